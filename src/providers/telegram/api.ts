/**
 * The Bot API: core.telegram.org/bots/api. Its URLs contain the token of the bot, so they are credentials
 * themselves.
 */

export interface Bot {
  /** `<id of the bot>:<secret>` */
  readonly token: string;
  readonly apiUrl: string;
}

/** The URL of a method. Never stored or logged. */
export function methodUrl({ apiUrl, token }: Bot, method: string): string {
  return `${apiUrl}/bot${token}/${method}`;
}

/**
 * The texts that must never be repeated. The half after the colon is the secret, whatever the colon becomes
 * in a URL.
 */
export function secretsOf({ token }: Bot): readonly string[] {
  return [token, token.slice(token.indexOf(':') + 1)];
}
