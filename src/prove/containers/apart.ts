/**
 * The first action of a container: it opens the database on the volume, which is its first argument. Its
 * timeout is shorter than the service's, which gives an earlier container time to stop.
 */
import { startEmbeddedPostgres } from '../../infra/postgres/embedded/server.js';

const timeoutMs = 2_000;

try {
  await startEmbeddedPostgres(process.argv[2] ?? '', { waitMs: timeoutMs });
  process.stdout.write('has a database\n');
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
}
process.exit();
