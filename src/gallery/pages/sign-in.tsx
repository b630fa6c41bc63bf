import { api } from '../api.js';
import { t } from '../languages/text.js';
import { query } from '../router.js';
import { signInNotice } from '../session.js';
import { useLoad } from '../use-load.js';
import { PasswordSignIn } from '../users/password-sign-in.js';
import { ProviderSignIn } from '../users/provider-sign-in.js';
import { SignInCard } from '../users/sign-in-card.js';
import { TokenSignIn } from '../users/token-sign-in.js';

/** The ways of signing in. Until they are known, and if they cannot be read, a password is asked for. */
export function SignInPage() {
  const { value: ways } = useLoad(() => api.session.ways());
  const hasForm = !ways?.oidc || ways.passwords;
  return (
    <SignInCard heading={t('sign_in.heading')} title={t('sign_in.title')}>
      {signInNotice.value !== null && <p class="notice">{signInNotice.value()}</p>}
      {query.value.has('shared') && <p class="notice">{t('shared.sign_in')}</p>}
      {ways?.oidc && <ProviderSignIn name={ways.oidc.name} />}
      {hasForm && <PasswordSignIn />}
      <TokenSignIn />
    </SignInCard>
  );
}
