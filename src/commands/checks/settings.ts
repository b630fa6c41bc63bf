import { ConfigError, loadConfig, settingWarnings, type Config, type Environment } from '../../config.js';
import type { Finding } from './finding.js';

const subject = 'settings';

interface Settings {
  /** Undefined if the settings have problems. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** Reports all problems at once, and names that are probably misspelled. Creates no secret. */
export function checkSettings(readEnvironment: () => Environment): Settings {
  try {
    const environment = readEnvironment();
    const config = loadConfig(environment, () => new Date(), { makesSecret: false });
    const warnings = settingWarnings(environment);
    const findings: Finding[] = warnings.map((says) => ({ level: 'warning', subject, says }));
    if (warnings.length === 0)
      findings.push({
        level: 'ok',
        subject,
        says: 'all settings are understood; docs/settings.md lists them',
      });
    return { config, findings: [...findings, secretFinding(environment, config)] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      config: undefined,
      findings: error.problems.map((says) => ({ level: 'problem', subject, says })),
    };
  }
}

function secretFinding({ AUTH_SECRET }: Environment, { authSecret, inletDir }: Config): Finding {
  const isSet = (AUTH_SECRET ?? '') !== '';
  if (isSet) return { level: 'ok', subject: 'secret', says: 'AUTH_SECRET is set' };
  return {
    level: 'ok',
    subject: 'secret',
    says:
      authSecret === ''
        ? `there is none yet; the first start makes one in ${inletDir}`
        : `it is in ${inletDir}/auth-secret; keep a copy, since tokens, links and the settings of channels depend on it`,
  };
}
