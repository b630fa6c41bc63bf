/**
 * The pages for people speak several languages: what they say is in the catalogues of the gallery, and the
 * source has only its id.
 */
const message =
  'A text for people belongs into the catalogues (src/gallery/languages/messages): write t(id) or <Rich id>.';

/** Names that are the same in every language. */
const names = new Set(['Inlet', 'SHA-256']);
/** The attributes that people read or hear. */
const shown = new Set([
  'action',
  'actions',
  'alt',
  'aria-description',
  'aria-label',
  'aria-roledescription',
  'aria-valuetext',
  'explanation',
  'label',
  'lead',
  'more',
  'placeholder',
  'summary',
  'title',
]);

const hasWord = (text) => /\p{L}{2}/u.test(text) && !names.has(text.trim()) && !/^https?:/.test(text);
/** What is typed or pasted as it is. */
const isCode = ({ parent }) => parent.openingElement?.name.name === 'code';
/** The beginning of a sentence, or several capitalised words: no id, selector or type looks like that. */
const isSentence = (text) => /^\p{Lu}[\p{L}’']* \p{L}/u.test(text.trim());

/** The literal texts that an expression may become. */
function textsIn(node) {
  switch (node?.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'TemplateLiteral':
      return node.quasis.map(({ value }) => value.cooked);
    case 'ConditionalExpression':
      return [...textsIn(node.consequent), ...textsIn(node.alternate)];
    case 'LogicalExpression':
      return [...textsIn(node.left), ...textsIn(node.right)];
    case 'JSXExpressionContainer':
      return textsIn(node.expression);
    default:
      return [];
  }
}

export const catalogueTexts = {
  meta: { type: 'problem', docs: { description: message }, schema: [], messages: { literal: message } },
  create(context) {
    const report = (node) => context.report({ node, messageId: 'literal' });
    return {
      JSXText(node) {
        if (hasWord(node.value) && !isCode(node)) report(node);
      },
      'JSXElement > JSXExpressionContainer, JSXFragment > JSXExpressionContainer'(node) {
        if (textsIn(node).some(hasWord)) report(node);
      },
      JSXAttribute(node) {
        if (shown.has(node.name.name) && textsIn(node.value).some(hasWord)) report(node);
      },
      Literal(node) {
        if (typeof node.value === 'string' && node.parent.type !== 'JSXAttribute' && isSentence(node.value))
          report(node);
      },
      TemplateLiteral(node) {
        if (isSentence(node.quasis[0].value.cooked)) report(node);
      },
    };
  },
};
