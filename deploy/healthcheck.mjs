/** Asks the service of this container whether it is alive; ends with 0 if so. A worker listens on no port: that it runs is all there is. */
const { PORT = '3000', PROCESS_MODE = 'all' } = process.env;

async function isAlive() {
  if (PROCESS_MODE === 'worker') return true;
  const response = await fetch(`http://127.0.0.1:${PORT}/health/live`, {
    signal: AbortSignal.timeout(4_000),
  });
  return response.ok;
}

process.exit((await isAlive().catch(() => false)) ? 0 : 1);
