/**
 * Names people in the audit trail: the same person always gets the same pseudonym, which reveals nothing
 * without the secret.
 */
import { createHmac, hkdfSync } from 'node:crypto';

export type Pseudonym = (channel: string, contact: string) => string;

export function createPseudonym(secret: string): Pseudonym {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'inlet audit trail', 32));
  return (channel, contact) => createHmac('sha256', key).update(`${channel}\n${contact}`).digest('hex');
}
