/**
 * Prisma's schema engine as WebAssembly, with the driver adapter, because the engine of the command line must
 * be downloaded.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';

const prismaFolder = join(import.meta.dirname, '../../prisma');

interface Bindings {
  readonly SchemaEngine: typeof SchemaEngine;
  readonly __wbg_set_wasm: (exports: WebAssembly.Exports) => void;
}

interface SchemaFile {
  readonly path: string;
  readonly content: string;
}

/** Runs the schema engine on a database, with `prisma/schema.prisma`. */
export async function withSchemaEngine<T>(
  connections: SqlMigrationAwareDriverAdapterFactory,
  use: (engine: SchemaEngine, schema: SchemaFile) => Promise<T>,
): Promise<T> {
  const bindings = await (loaded ??= loadBindings());
  const path = join(prismaFolder, 'schema.prisma');
  const schema = { path, content: await readFile(path, 'utf8') };
  const adapter = bindMigrationAwareSqlAdapterFactory(connections);
  const engine = await bindings.SchemaEngine.new(
    { datamodels: [[path, schema.content]] },
    () => undefined,
    adapter,
  );
  try {
    return await use(engine, schema);
  } finally {
    engine.free();
  }
}

/**
 * The generated code keeps its instance in module variables, so a second instance would corrupt the first.
 */
let loaded: Promise<Bindings> | undefined;

async function loadBindings(): Promise<Bindings> {
  const require = createRequire(import.meta.url);
  const bindings = (await import('@prisma/schema-engine-wasm/schema_engine_bg')) as unknown as Bindings;
  const file = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg').replace(/\.js$/, '.wasm');
  const module = await WebAssembly.compile(await readFile(file));
  const instance = await WebAssembly.instantiate(module, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
  return bindings;
}
