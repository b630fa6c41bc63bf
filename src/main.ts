/**
 * The entry point. It handles signals before the service is loaded, because the process with id 1, as in a
 * container, ignores every signal without a handler.
 */
import './home.js';

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stopping.abort(signal);
  });
}

const { run } = await import('./service.js');
await run(stopping.signal);
