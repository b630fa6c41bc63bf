/** The logo of Inlet: a sun above two waves. */
export function BrandMark({ size }: { readonly size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 26 26" aria-hidden="true">
      <rect class="brand-ground" width="26" height="26" rx="7" />
      <path class="brand-wave" d="M4 11.500c3 0 3 3 6 3s3-3 6-3 3 3 6 3M4 17c3 0 3 3 6 3s3-3 6-3 3 3 6 3" />
      <circle class="brand-sun" cx="13" cy="7" r="2.200" />
    </svg>
  );
}
