import { useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

import { faultOfPassword, maxPasswordLength, minPasswordLength } from '../../domain/user.js';
import { t } from '../languages/text.js';

interface NewPassword {
  readonly password: string;
  /** For the field, which shows the rules, and after the first attempt the rule that the password breaks. */
  readonly attributes: {
    readonly value: string;
    readonly onInput: (value: string) => void;
    readonly hint: string;
    readonly error: string | undefined;
    readonly field: RefObject<HTMLInputElement | null>;
  };
  /** Whether the password can be used; otherwise the error appears, and the field receives the focus. */
  readonly check: () => boolean;
  readonly clear: () => void;
}

const limits = { min: minPasswordLength, max: maxPasswordLength };

/** A password that a user chooses. */
export function useNewPassword(user: { readonly email: string; readonly name: string }): NewPassword {
  const [value, setValue] = useState('');
  const [isTried, setTried] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const fault = faultOfPassword(value, user);
  return {
    password: value,
    attributes: {
      value,
      onInput: setValue,
      hint: t('password.rules', { min: minPasswordLength, max: maxPasswordLength }),
      error: isTried && fault ? t(`password.${fault}`, limits) : undefined,
      field,
    },
    check: () => {
      setTried(true);
      if (fault) field.current?.focus();
      return fault === undefined;
    },
    clear: () => {
      setValue('');
      setTried(false);
    },
  };
}
