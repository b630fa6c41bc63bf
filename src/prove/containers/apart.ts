/**
 * What a container does first: it asks for the database on the volume, which is its first argument. It waits for a shorter time than the
 * service, which gives an earlier container the time to stop.
 */
import { startEmbeddedPostgres } from '../../infra/postgres/embedded/server.js';

const patienceMs = 2_000;

try {
  await startEmbeddedPostgres(process.argv[2] ?? '', { patienceMs });
  process.stdout.write('has a database\n');
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
}
process.exit();
