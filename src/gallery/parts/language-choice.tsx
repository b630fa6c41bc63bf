import { announcement } from '../live.js';
import { languageNames, languages, type Language } from '../../domain/language.js';
import { changeLanguage, language, t } from '../languages/text.js';
import { Icon } from './icon.js';

/** The language of the pages. The choice is remembered in this browser. */
export function LanguageChoice() {
  return (
    <label class="nav-link language-choice">
      <Icon name="language" />
      <span class="unseen">{t('language.label')}</span>
      <select
        value={language.value}
        onChange={({ currentTarget }) => {
          changeLanguage(currentTarget.value as Language).catch(() => {
            currentTarget.value = language.value;
            announcement.value = t('language.not_loaded');
          });
        }}
      >
        {languages.map((id) => (
          <option key={id} value={id} lang={id}>
            {languageNames[id]}
          </option>
        ))}
      </select>
    </label>
  );
}
