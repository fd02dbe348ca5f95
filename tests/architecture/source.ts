/**
 * Reads source files for the architecture rules. Uses TypeScript's own parser,
 * which runs on both runtimes: a pattern would be fooled by comments, strings
 * and imports over several lines, and then pass what it should refuse.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { posix } from "node:path";
import ts from "typescript";

/** A file as the rules see it: path from the repository's root, and text. */
export interface SourceFile {
  path: string;
  text: string;
}

/** One import or re-export. */
export interface ImportEdge {
  /** Path of the importing file. */
  from: string;
  /** As written. */
  specifier: string;
  /** Path of the imported file for a relative specifier, else undefined. */
  target: string | undefined;
  /** True where the import vanishes at run time. */
  typeOnly: boolean;
}

const SKIPPED_FOLDERS = new Set(["node_modules", ".git", ".tools", "out", "std", "golden"]);

/** All files below `folders` (or the files themselves) with one of the endings. */
export function readSources(root: string, entries: readonly string[], endings: readonly string[]) {
  const files: SourceFile[] = [];
  const visit = (path: string) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) {
        if (!SKIPPED_FOLDERS.has(name)) visit(posix.join(path, name));
      }
    } else if (endings.some((ending) => path.endsWith(ending))) {
      files.push({ path, text: readFileSync(full, "utf8") });
    }
  };
  for (const entry of entries) visit(entry);
  return files;
}

const PARSED = new WeakMap<SourceFile, ts.SourceFile>();

/** The syntax tree of a file; parsed once. */
export function parse(file: SourceFile): ts.SourceFile {
  let tree = PARSED.get(file);
  if (tree === undefined) {
    tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
    PARSED.set(file, tree);
  }
  return tree;
}

/** Calls `visit` for every node of the file. */
export function walk(file: SourceFile, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node) => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(parse(file));
}

/** Line of a node, counted from 1. */
export function lineOf(file: SourceFile, node: ts.Node): number {
  return parse(file).getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    if (node.isTypeOnly) return true;
    const clause = node.exportClause;
    return clause !== undefined && ts.isNamedExports(clause) && clause.elements.length > 0 &&
      clause.elements.every((element) => element.isTypeOnly);
  }
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return clause.name === undefined && bindings !== undefined && ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

/** Every import, re-export, dynamic import and import type of a file. */
export function importsOf(file: SourceFile): ImportEdge[] {
  const edges: ImportEdge[] = [];
  const add = (specifier: string, typeOnly: boolean) => {
    const relative = specifier.startsWith("./") || specifier.startsWith("../");
    const target = relative ? posix.join(posix.dirname(file.path), specifier) : undefined;
    edges.push({ from: file.path, specifier, target, typeOnly });
  };
  walk(file, (node) => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)
    ) {
      add(node.moduleSpecifier.text, isTypeOnly(node));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      // What cannot be read here can be anything, and is refused by the rules.
      add(argument && ts.isStringLiteralLike(argument) ? argument.text : "(computed)", false);
    } else if (
      ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      add(node.argument.literal.text, true);
    }
  });
  return edges;
}
