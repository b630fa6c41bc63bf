/**
 * What a provider writes is of type `unknown`, and "not there" has many spellings there. Only the kit's own
 * words (`isAbsent`, `firstPresent` ...) know them all: this rule refuses the language's, which take a blank
 * text for a value.
 */
import ts from 'typescript';

const message =
  'A foreign field may be blank where it is not there: ask isAbsent or firstPresent of providers/kit/lenient.';

const comparisons = new Set(['==', '!=', '===', '!==']);

function isNothing(node) {
  return (
    (node.type === 'Literal' && node.value === null) ||
    (node.type === 'Identifier' && node.name === 'undefined')
  );
}

export const foreignFields = {
  meta: { type: 'problem', docs: { description: message }, schema: [], messages: { foreign: message } },
  create(context) {
    const { parserServices } = context.sourceCode;
    const isUnknown = (type) => type !== undefined && (type.flags & ts.TypeFlags.Unknown) !== 0;
    const isForeign = (node) => isUnknown(parserServices.getTypeAtLocation(node));
    const hasForeignFields = (node) => isUnknown(parserServices.getTypeAtLocation(node).getStringIndexType());
    const report = (node) => context.report({ node, messageId: 'foreign' });
    return {
      LogicalExpression(node) {
        if (node.operator !== '&&' && isForeign(node.left)) report(node);
      },
      BinaryExpression(node) {
        const { operator, left, right } = node;
        if (operator === 'in' && hasForeignFields(right)) report(node);
        else if (comparisons.has(operator) && isNothing(right) && isForeign(left)) report(node);
        else if (comparisons.has(operator) && isNothing(left) && isForeign(right)) report(node);
      },
      'Property > AssignmentPattern'(node) {
        if (isForeign(node.left)) report(node);
      },
    };
  },
};
