/** Reads the shell examples of the documents, as far as the documents use the shell. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export type Variables = Readonly<Record<string, string>>;

export type Statement =
  | { readonly type: 'assignment'; readonly name: string; readonly value: string }
  | {
      readonly type: 'curl';
      /** The command without its redirections. */
      readonly command: string;
      /** The here-document, with its variables not yet replaced. */
      readonly input: string | undefined;
      /** The file that `tee` writes the answer to. */
      readonly copy: string | undefined;
    };

/** Throws for a line that is none of the known statements, so that no example stays untested. */
export function statementsOf(shell: string): Statement[] {
  const lines = shell.split('\n');
  const statements: Statement[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line.trim() === '') continue;
    const mark = /<<(\w+)/.exec(line)?.[1];
    const end = mark === undefined ? at : lines.indexOf(mark, at);
    if (end === -1) throw new Error(`the here-document has no end: ${line}`);
    statements.push(statementOf(line, mark === undefined ? undefined : lines.slice(at + 1, end).join('\n')));
    at = end;
  }
  return statements;
}

function statementOf(line: string, input: string | undefined): Statement {
  const [, name, value] = /^([A-Z_]+)=(\S.*)$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) return { type: 'assignment', name, value };
  const [, command, , copy] = /^(curl .*?)( <<\w+)?(?: \| tee (\S+))?$/.exec(line) ?? [];
  if (command === undefined) throw new Error(`no statement that the documents use: ${line}`);
  return { type: 'curl', command, input, copy };
}

export function expand(text: string, variables: Variables): string {
  return text.replaceAll(/\$([A-Z_]+)/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`the variable ${name} has no value`);
    return value;
  });
}

/** The value of an assignment; commands in it are run in the folder. */
export async function evaluate(value: string, variables: Variables, folder: string): Promise<string> {
  const [, before = '', command, after = ''] = /^(.*?)\$\((.*)\)(.*)$/.exec(value) ?? [];
  if (command === undefined) return expand(value, variables);
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: folder });
  return expand(before, variables) + stdout.trim() + expand(after, variables);
}
