/** What the pages of shares say, in each language. */
import type { Request } from 'express';

import { languageFor, type Language } from '../../domain/language.js';

export interface Words {
  readonly language: Language;
  /** The title of a page that was given none. */
  readonly title: string;
  readonly until: (time: string) => string;
  readonly file: (number: number, count: number) => string;
  readonly download: (file: string) => string;
  readonly gone: string;
  readonly passwordTitle: string;
  readonly passwordLabel: string;
  readonly open: string;
  readonly wrongPassword: string;
  readonly notFound: string;
  readonly ended: string;
  readonly tooMany: string;
}

const catalogue: Readonly<Record<Language, Omit<Words, 'language'>>> = {
  en: {
    title: 'Shared files',
    until: (time) => `You can open this page until ${time}.`,
    file: (number, count) => `File ${String(number)} of ${String(count)}`,
    download: (file) => `Download ${file}`,
    gone: 'This file is no longer available.',
    passwordTitle: 'This page has a password',
    passwordLabel: 'Password',
    open: 'Open',
    wrongPassword: 'This password is not correct.',
    notFound: 'This link is not valid. Check that it was copied completely.',
    ended: 'This link is no longer valid. Ask the person who sent it for a new one.',
    tooMany: 'There were too many attempts. Wait a few minutes and try again.',
  },
  'pt-BR': {
    title: 'Arquivos compartilhados',
    until: (time) => `Você pode abrir esta página até ${time}.`,
    file: (number, count) => `Arquivo ${String(number)} de ${String(count)}`,
    download: (file) => `Baixar ${file}`,
    gone: 'Este arquivo não está mais disponível.',
    passwordTitle: 'Esta página tem uma senha',
    passwordLabel: 'Senha',
    open: 'Abrir',
    wrongPassword: 'Esta senha não está correta.',
    notFound: 'Este link não é válido. Verifique se ele foi copiado por inteiro.',
    ended: 'Este link não é mais válido. Peça um novo a quem o enviou.',
    tooMany: 'Houve tentativas demais. Aguarde alguns minutos e tente de novo.',
  },
  es: {
    title: 'Archivos compartidos',
    until: (time) => `Puedes abrir esta página hasta el ${time}.`,
    file: (number, count) => `Archivo ${String(number)} de ${String(count)}`,
    download: (file) => `Descargar ${file}`,
    gone: 'Este archivo ya no está disponible.',
    passwordTitle: 'Esta página tiene una contraseña',
    passwordLabel: 'Contraseña',
    open: 'Abrir',
    wrongPassword: 'Esta contraseña no es correcta.',
    notFound: 'Este enlace no es válido. Comprueba que se haya copiado entero.',
    ended: 'Este enlace ya no es válido. Pide uno nuevo a quien te lo envió.',
    tooMany: 'Hubo demasiados intentos. Espera unos minutos y vuelve a intentarlo.',
  },
};

/** The words in the language that the browser prefers. */
export function wordsFor(request: Request): Words {
  const language = languageFor(null, request.acceptsLanguages());
  return { language, ...catalogue[language] };
}
