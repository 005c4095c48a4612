// No promise floats: whoever starts one waits for it, hears its failure, or says `void`. The linter does not see those of Node's own modules.
import { relative, resolve } from 'node:path';
import { type Expression, type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import {
  isBinaryExpression,
  isCallExpression,
  isExpressionStatement,
  isPropertyAccessExpression,
} from 'typescript/unstable/ast/is';
import { API, type Checker, type Project } from 'typescript/unstable/sync';
import { afterAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const api = new API({ cwd: ROOT });
afterAll(() => api.close());

const isAssignment = (kind: SyntaxKind) => kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment;

/** `.catch(f)` and `.then(f, g)` hear the failure; an assignment keeps the promise for somebody. */
function isHeard(expression: Expression): boolean {
  if (isBinaryExpression(expression)) return isAssignment(expression.operatorToken.kind);
  if (!isCallExpression(expression) || !isPropertyAccessExpression(expression.expression)) return false;
  const { text } = expression.expression.name;
  return (text === 'catch' && expression.arguments.length > 0) || (text === 'then' && expression.arguments.length > 1);
}

function statements(file: SourceFile): Expression[] {
  const found: Expression[] = [];
  const visit = (node: Node): void => {
    if (isExpressionStatement(node) && !isHeard(node.expression)) found.push(node.expression);
    node.forEachChild(visit);
  };
  file.forEachChild(visit);
  return found;
}

function floating(file: SourceFile, checker: Checker): string[] {
  const expressions = statements(file);
  if (expressions.length === 0) return [];
  return checker.getTypeAtLocation(expressions).flatMap((type, i) => {
    const some = type?.isUnionType() ? type.getTypes() : type === undefined ? [] : [type];
    if (!some.some((each) => checker.getPropertyOfType(each, 'then') !== undefined)) return [];
    const { pos, end } = expressions[i]!;
    const line = file.text.slice(0, end).split('\n').length;
    const code = file.text.slice(pos, end).replace(/^\s*(\/\/.*\s*)*/, '');
    return [`${relative(ROOT, file.fileName)}:${line}: ${code.slice(0, 60)}`];
  });
}

function open(config: string): Project {
  const project = api.updateSnapshot({ openProject: resolve(ROOT, config) }).getProjects()[0];
  if (project === undefined) throw new Error(`${config} is no project`);
  return project;
}

test('no statement leaves a promise behind, and those of the example are found', () => {
  const { program, checker } = open('tsconfig.test.json');
  const ours = program.getSourceFileNames().filter((name) => !name.includes('/node_modules/'));
  expect(ours.length).toBeGreaterThan(300);
  const found = ours.flatMap((name) => floating(program.getSourceFile(name)!, checker));
  expect(found).toEqual([
    'test/fixtures/floating-promises.ts:5: unlink(path)',
    'test/fixtures/floating-promises.ts:6: wanted && unlink(path)',
    'test/fixtures/floating-promises.ts:8: Promise.resolve(path).then(() => wanted)',
  ]);
});
