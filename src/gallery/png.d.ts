/** Pictures that are files beside the script: their addresses, relative to it. */
declare module '*.png' {
  const address: string;
  // The bundler exports files in this way.
  // eslint-disable-next-line no-restricted-exports
  export default address;
}
