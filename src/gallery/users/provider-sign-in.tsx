import { at } from '../base.js';
import { t } from '../languages/text.js';
import { addressWith } from '../router.js';

/** A link to the identity provider, which leads back to the address that the visitor wanted to see. */
export function ProviderSignIn({ name }: { readonly name: string }) {
  const to = encodeURIComponent(addressWith({}).slice(at('').length));
  return (
    <a class="button primary" href={at(`/v1/sign-in/oidc?to=${to}`)}>
      {t('sign_in.with_provider', { name })}
    </a>
  );
}
