/** Exits with 0 if the service of this container answers. A worker listens on no port, so it counts as healthy while it runs. */
const { PORT = '3000', PROCESS_MODE = 'all' } = process.env;

async function isAlive() {
  if (PROCESS_MODE === 'worker') return true;
  const response = await fetch(`http://127.0.0.1:${PORT}/health/live`, {
    signal: AbortSignal.timeout(4_000),
  });
  return response.ok;
}

process.exit((await isAlive().catch(() => false)) ? 0 : 1);
