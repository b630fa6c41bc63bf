/** Where the source of the gallery uses the texts of its catalogues. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

import { projectFolder } from '../../src/infra/process/project-folder.js';

const gallery = join(projectFolder, 'src/gallery');

export interface Uses {
  /** Every literal text, and every template as a pattern: `kind.${kind}` uses all texts that begin so. */
  readonly ids: (string | RegExp)[];
  /** The calls of `t` and the `Rich` elements with a literal id, with the names of their values. */
  readonly calls: { readonly id: string; readonly names: readonly string[]; readonly place: string }[];
}

export function usesOfTexts(): Uses {
  const uses: Uses = { ids: [], calls: [] };
  for (const name of readdirSync(gallery, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.tsx?$/.test(name)) continue;
    const text = readFileSync(join(gallery, name), 'utf8');
    const kind = name.endsWith('.tsx') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
    collect(ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, kind), uses);
  }
  return uses;
}

function collect(node: ts.Node, uses: Uses): void {
  if (ts.isStringLiteralLike(node)) uses.ids.push(node.text);
  if (ts.isTemplateExpression(node)) uses.ids.push(patternOf(node));
  const call = callIn(node);
  if (call) uses.calls.push({ ...call, place: node.getSourceFile().fileName });
  ts.forEachChild(node, (child) => {
    collect(child, uses);
  });
}

function patternOf({ head, templateSpans }: ts.TemplateExpression): RegExp {
  const literals = [head.text, ...templateSpans.map(({ literal }) => literal.text)];
  // A template without words of its own would use everything.
  if (!/^[a-z_]+\./.test(head.text)) return /^\b$/;
  return new RegExp(`^${literals.map((text) => text.replaceAll('.', String.raw`\.`)).join('.+')}$`);
}

type Call = Omit<Uses['calls'][number], 'place'>;

function callIn(node: ts.Node): Call | undefined {
  if (ts.isJsxSelfClosingElement(node)) return richIn(node);
  if (!ts.isCallExpression(node) || node.expression.getText() !== 't') return undefined;
  const [id, values] = node.arguments;
  return id && ts.isStringLiteralLike(id) ? { id: id.text, names: namesOf(values) } : undefined;
}

function richIn(node: ts.JsxSelfClosingElement): Call | undefined {
  if (node.tagName.getText() !== 'Rich') return undefined;
  const id = attributeOf(node, 'id');
  const values = attributeOf(node, 'values');
  if (!id || !ts.isStringLiteral(id)) return undefined;
  return {
    id: id.text,
    names: namesOf(values && ts.isJsxExpression(values) ? values.expression : undefined),
  };
}

function attributeOf({ attributes }: ts.JsxSelfClosingElement, name: string): ts.Node | undefined {
  const found = attributes.properties.find((one) => one.name?.getText() === name);
  return found && ts.isJsxAttribute(found) ? found.initializer : undefined;
}

function namesOf(values: ts.Node | undefined): string[] {
  if (!values || !ts.isObjectLiteralExpression(values)) return [];
  return values.properties.map((property) => property.name?.getText() ?? '').sort();
}
