/**
 * A text from outside is never a key of a plain object: `constructor`, `__proto__` and the like are members
 * of every one, so that a look-up finds what nobody has put there. A `Map` has no such members,
 * `Object.hasOwn` sees none, and a key whose type is a list of known names is none of a stranger's.
 */
import ts from 'typescript';

const isKnown = (type) =>
  type.isUnion()
    ? type.types.every(isKnown)
    : (type.flags & (ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral)) === 0;

/**
 * Lists and texts have numbers for keys; what else is asked of them with a text is a mistake that TypeScript
 * finds.
 */
const hasNumbers = (checker, type) =>
  checker.isArrayLikeType(type) || (type.flags & ts.TypeFlags.StringLike) !== 0;

export const ownKeys = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      in: '`in` also finds what every object inherits: use a Map or Object.hasOwn.',
      key: 'This key can be any text, also one that every object inherits: use a Map, or ownValue from domain/own-value.ts.',
    },
  },
  create(context) {
    const services = context.sourceCode.parserServices;
    const checker = services.program.getTypeChecker();
    return {
      "BinaryExpression[operator='in']"({ left }) {
        if (left.type === 'Literal' || left.type === 'PrivateIdentifier') return;
        context.report({ node: left, messageId: 'in' });
      },
      'MemberExpression[computed=true]'({ object, property }) {
        if (isKnown(services.getTypeAtLocation(property))) return;
        if (hasNumbers(checker, services.getTypeAtLocation(object))) return;
        context.report({ node: property, messageId: 'key' });
      },
    };
  },
};
