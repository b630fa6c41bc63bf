import type { ChannelLimits } from '../api.js';
import { serviceText } from '../languages/service-text.js';
import { t } from '../languages/text.js';
import { textOf } from '../parts/form-dialog.js';

/** The parts of a JSON Schema that the fields use. */
interface Option {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly description?: string;
}

/** Fields for the options that only this provider has. */
export function SendOptions({ limits }: { readonly limits: ChannelLimits }) {
  const options = Object.entries(describedOptions(limits));
  if (options.length === 0) return null;
  return (
    <details class="raw">
      <summary>{t('send.options', { provider: limits.provider })}</summary>
      {options.map(([name, option]) => (
        <OptionField key={name} name={name} option={option} />
      ))}
    </details>
  );
}

function OptionField({ name, option }: { readonly name: string; readonly option: Option }) {
  const field = `option ${name}`;
  if (option.type === 'boolean')
    return (
      <label class="check">
        <input type="checkbox" name={field} />
        <span>{serviceText(option.description ?? name)}</span>
      </label>
    );
  return (
    <label class="field">
      <span>{name}</span>
      {option.enum ? (
        <select class="input" name={field}>
          <option value="" />
          {option.enum.map((value) => (
            <option key={String(value)}>{String(value)}</option>
          ))}
        </select>
      ) : (
        <input class="input" name={field} inputMode={isNumber(option) ? 'decimal' : 'text'} />
      )}
      {option.description !== undefined && <span class="hint">{serviceText(option.description)}</span>}
    </label>
  );
}

/** The values of the fields that are filled in, converted to the types of the schema. */
export function optionsOf(values: FormData, limits: ChannelLimits): Record<string, unknown> {
  const filled = Object.entries(describedOptions(limits)).map(
    ([name, option]) => [name, valueOf(values, `option ${name}`, option)] as const,
  );
  return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
}

function valueOf(values: FormData, field: string, option: Option): unknown {
  if (option.type === 'boolean') return values.get(field) === null ? undefined : true;
  const text = textOf(values, field);
  if (text === '') return undefined;
  return isNumber(option) ? Number(text) : text;
}

const isNumber = ({ type }: Option): boolean => type === 'integer' || type === 'number';

function describedOptions({ options }: ChannelLimits): Readonly<Record<string, Option>> {
  return (options['properties'] ?? {}) as Record<string, Option>;
}
