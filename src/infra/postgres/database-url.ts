/**
 * Validates `DATABASE_URL`. Parts that the driver would silently ignore or misunderstand are refused by name.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

import pg from 'pg';

export type DatabaseUrl = { readonly url: string } | { readonly problem: string };

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];
/**
 * The driver treats these modes as `verify-full` and prints a warning, because its next major version will
 * not. Replaced by `verify-full`, they mean the same with every version, and nothing is printed to the log.
 */
const strictModes = /([?&]sslmode=)(?:allow|prefer|require|verify-ca)(?=&|$)/;

/** Returns the URL for the driver, or the problem with it, which does not quote it. */
export function readDatabaseUrl(text: string): DatabaseUrl {
  if (!/^postgres(ql)?:\/\//.test(text)) return { problem: 'is not a postgresql:// URL' };
  if (namesSeveralHosts(text)) {
    return {
      problem:
        'names several hosts, and the driver can use only one: name one host, for instance a proxy or an address that follows the primary',
    };
  }
  if (!URL.canParse(text)) {
    return {
      problem:
        'is not a postgresql:// URL (in the user name and the password, characters like @ : / ? # % are written as %40 and so on)',
    };
  }
  const parameters = new URL(text).searchParams;
  const problem = problemOf(parameters);
  if (problem !== undefined) return { problem };
  const url = parameters.get('uselibpqcompat') === 'true' ? text : text.replace(strictModes, '$1verify-full');
  try {
    checkCertificates(parameters);
    new pg.Client({ connectionString: url }); // The constructor parses the whole URL.
    return { url };
  } catch (error) {
    return { problem: describeUnusable(error) };
  }
}

function namesSeveralHosts(text: string): boolean {
  const [, authority = ''] = /^postgres(?:ql)?:\/\/([^/?#]*)/.exec(text) ?? [];
  const hosts = authority.slice(authority.lastIndexOf('@') + 1);
  return hosts.includes(',') || /[?&]host=[^&#]*(?:,|%2c)/i.test(text);
}

function problemOf(parameters: URLSearchParams): string | undefined {
  const schema = parameters.get('schema') ?? '';
  if (schema !== '' && schema !== 'public') {
    return 'has ?schema=, which is not supported: give Inlet a database of its own (its queue is in the schema graphile_worker of the whole database)';
  }
  const mode = parameters.get('sslmode');
  if (mode !== null && !sslModes.includes(mode))
    return `has an sslmode that is not one of ${sslModes.join(', ')}`;
  if (parameters.has('sslcert') !== parameters.has('sslkey'))
    return 'has one of sslcert and sslkey, and a certificate is of no use without its key: name both';
  return undefined;
}

/** Throws if the driver could not use the files that the URL names. */
function checkCertificates(parameters: URLSearchParams): void {
  const contentOf = (name: string): string | undefined => {
    const file = parameters.get(name) ?? '';
    return file === '' ? undefined : readFileSync(file, 'utf8');
  };
  const authorities = contentOf('sslrootcert');
  // Node ignores such a file and then trusts no certificate.
  if (authorities !== undefined && !/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(authorities))
    throw new CertificateError('there is no certificate in it');
  const certificate = contentOf('sslcert');
  const key = contentOf('sslkey');
  try {
    createSecureContext({ ca: authorities, cert: certificate, key });
  } catch (cause) {
    throw new CertificateError('it cannot be used', { cause });
  }
}

class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

function describeUnusable(error: unknown): string {
  if (error instanceof CertificateError)
    return 'names a certificate or a key that cannot be used: look at sslrootcert, sslcert and sslkey, which are files in PEM format';
  const { code = 'unknown', syscall, message = '' } = error as Partial<NodeJS.ErrnoException>;
  if (syscall !== undefined)
    return `names a file that cannot be read (${code}): look at sslrootcert, sslcert and sslkey`;
  if (message.includes('sslrootcert'))
    return 'has sslmode=verify-ca, which needs sslrootcert with uselibpqcompat=true';
  return 'is not a postgresql:// URL that can be understood';
}
