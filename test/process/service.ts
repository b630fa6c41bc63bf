/** The real compiled service, in its own process and folder. */
import { startCompiled, type Program } from '../support/program.js';

export interface RunningService extends Program {
  readonly url: string;
}

export const webhookSecret = 'a-secret-of-the-webhooks-0123456789';

/** Starts the service and waits until it is ready. */
export async function startService(
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningService> {
  const program = launch(cwd, env);
  await program.says(/Inlet is ready[^]*token {4}/);
  const [, url = ''] = await program.says(/address {3}(http:\S+)/);
  return { ...program, url };
}

export function launch(
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  { asProcess1 = false }: { readonly asProcess1?: boolean } = {},
): Program {
  const settings = { PORT: '0', ZAPI_WEBHOOK_SECRET: webhookSecret, LOG_LEVEL: 'warn', ...env };
  return startCompiled('main.js', [], { cwd, env: settings, asProcess1 });
}

/** Runs the token command; returns its output and exit status. */
export async function token(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | NodeJS.Signals; readonly output: string }> {
  const program = startCompiled('commands/token.js', args, { cwd, env });
  return { status: await program.ended, output: program.output().trim() };
}
