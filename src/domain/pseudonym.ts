/** How the audit trail names persons: the same one always the same way, and nobody learns who it was without the secret. */
import { createHmac, hkdfSync } from 'node:crypto';

export type Pseudonym = (channel: string, contact: string) => string;

export function createPseudonym(secret: string): Pseudonym {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'inlet audit trail', 32));
  return (channel, contact) => createHmac('sha256', key).update(`${channel}\n${contact}`).digest('hex');
}
