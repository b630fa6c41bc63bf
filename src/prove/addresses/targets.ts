/**
 * Forbidden addresses, in every spelling that some resolver, kernel or library understands; and allowed ones.
 */

const words = (text: string): string[] => text.trim().split(/\s+/);

/** The first, middle and last addresses of every private range, and known services in them. */
const privateV4 = words(`
  0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255
  127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
  172.16.0.1 172.17.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.1.1 192.168.255.255
  198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.254 255.255.255.255
`);

const privateV6 = words(`
  :: ::1 ::2 100::1 64:ff9b::1 fc00::1 fd00::1 fd00:ec2::254 fdff:ffff::1 fe80::1 febf::1 fec0::1 ff01::1 ff02::1 ff02::fb
  ff05::2 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2620:4f:8000::1 3fff::1 4000::1 5f00::1 8000::1 e000::1
`);

/** Tunnels and translators embed an IPv4 address. */
const wrapped = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1'].flatMap((ipv4) => {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const inverted = `${((255 - a) * 256 + 255 - b).toString(16)}:${((255 - c) * 256 + 255 - d).toString(16)}`;
  return [
    `::ffff:${ipv4}`,
    `::ffff:${hex}`,
    `0:0:0:0:0:ffff:${hex}`,
    `::${ipv4}`,
    `::${hex}`,
    `::ffff:0:${ipv4}`,
    `64:ff9b::${ipv4}`,
    `64:ff9b::${hex}`,
    `64:ff9b:1::${hex}`,
    `2002:${hex}::1`,
    `2001:0:${hex}:8000:63bf:f5f5:f5f5`,
    `2001:0:808:808:8000:63bf:${inverted}`,
    `fe80::5efe:${ipv4}`,
    `2606:4700::5efe:${hex}`,
    `2606:4700::200:5efe:${hex}`,
  ];
});

/**
 * A network whose translator is visible at this name (RFC 7050), with a prefix inside the range of public
 * addresses and one outside.
 */
export const translatorName = 'ipv4only.arpa';
export const translatorAddresses = ['192.0.0.170', '2a00:64::c000:aa', 'fd00:64:0:c0:0:aa::'];

/** Public addresses in the form of that network's DNS. */
export const translatedAddresses = words(`
  64:ff9b::808:808 64:ff9b::5db8:d822 2a00:64::808:808 2a00:64::5db8:d822 fd00:64:0:8:8:808:: fd00:64:0:5d:b8:d822::
`);

/** Lead back through the translator: these look public, or like the network's own addresses. */
const translatedBack = words(`
  2a00:64::7f00:1 2a00:64::a00:1 2a00:64::a9fe:a9fe 2a00:64::c0a8:101 2a00:64::a83f:8110 2a00:64::c000:aa
  fd00:64:0:7f:0:1:: fd00:64:0:a9:fe:a9fe:: fd00:65::808:808
`);

/** Every address in the form that a resolver returns. */
export const privateAddresses: readonly string[] = [
  ...privateV4,
  ...privateV6,
  ...wrapped,
  ...translatedBack,
];

/** Names of the machine itself, as a stranger would write them in a link. */
export const loopbackSpellings: readonly string[] = [
  ...words('127.0.0.1 127.0.0.1. 127.1 127.0.1 127.255.255.254 2130706433 2130706433. 0x7f.1 0x7f000001'),
  ...words('0X7F.0X0.0X0.0X1 0177.0.0.1 0177.1 017700000001 00000177.0.0.1 0x7f.0.0.0x1 127.0x0.00.1'),
  ...words('0 0.0.0.0 0x0 00 0.0 0.0.0.0. %31%32%37.0.0.1 127%2e0%2e0%2e1 %30x7f.1 127.0.0.%31 2%3130706433'),
  ...words('１２７.０.０.１ ①②⑦.⓪.⓪.① 127。0。0。1 127．0．0．1 127｡0｡0｡1 𝟏𝟐𝟕.𝟎.𝟎.𝟏 %EF%BC%91%32%37.1'),
  ...words(
    '[::1] [0:0:0:0:0:0:0:1] [0000::0001] [::] [::0] [::0.0.0.1] [::ffff:127.0.0.1] [::FFFF:7F00:0001]',
  ),
  ...words('localhost localhost. LOCALHOST LocalHost ｌocalhost %6c%6f%63alhost a.localhost a.b.localhost.'),
  'loc\talhost',
];

const otherSpellings = words(`
  2852039166 0xa9fea9fe 0251.0376.0251.0376 169.16689662 0xA9.0xFE.0xA9.0xFE 169.254.43518 ①⑥⑨.254.169.254 169。254。169。254
  3232235521 0xc0a80001 0300.0250.0.1 192.168.1 192.11010049 167772161 0x0a000001 012.0.0.1 10.1 10.0.1 1681915905 2886729729 0xac100001
`);

/** The address as the host of a URL. */
export const privateSpellings: readonly string[] = [
  ...loopbackSpellings,
  ...otherSpellings,
  ...privateAddresses.map((address) => (address.includes(':') ? `[${address}]` : address)),
];

const publicV4 = words(`
  1.0.0.0 1.1.1.1 2.16.0.1 3.5.140.1 4.2.2.2 5.9.0.1 8.8.4.4 8.8.8.8 9.9.9.9 9.255.255.255 11.0.0.0 13.32.0.1 15.197.130.1
  17.253.144.10 18.64.0.1 20.33.0.1 23.0.0.1 31.13.64.1 34.64.0.1 35.190.0.1 40.76.4.15 44.192.0.1 46.4.0.1 50.16.0.1 51.15.0.1
  52.95.110.1 52.216.0.1 54.231.0.1 57.144.0.1 63.32.0.1 64.233.160.1 66.220.144.1 69.171.250.1 74.125.0.1 77.88.8.8 80.80.80.80
  84.200.69.80 91.198.174.192 93.184.216.34 94.140.14.14 99.84.0.1 100.0.0.1 100.63.255.255 100.128.0.0 101.6.6.6 104.16.0.1
  108.156.0.1 111.13.0.1 114.114.114.114 119.29.29.29 126.255.255.255 128.0.0.0 129.134.0.1 140.82.112.3 142.250.0.1 149.154.160.1
  151.101.1.1 157.240.1.1 162.159.0.1 163.70.128.1 168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 171.64.0.1 172.15.255.255
  172.32.0.0 172.64.0.1 172.217.0.1 173.194.0.1 177.71.128.1 180.76.76.76 184.24.0.1 185.60.216.1 186.192.81.5 191.255.255.255
  192.0.1.0 192.0.3.0 192.30.255.112 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 193.0.0.1 198.17.255.255 198.20.0.0
  198.41.0.4 198.51.99.255 198.51.101.0 200.160.0.8 203.0.112.255 203.0.114.0 204.15.20.1 205.251.192.1 208.67.222.222
  209.85.128.1 210.2.4.8 212.27.48.10 216.58.192.1 220.181.38.148 221.0.0.1 223.5.5.5 223.255.255.255
`);

const publicV6 = words(`
  2000::1 2001:200::1 2001:4860:4860::8888 2001:4860:4860::8844 2001:67c:2e8::1 2001:db7:ffff::1 2001:db9::1 2003::1 2400:cb00:2048:1::1
  2401:4900::1 2404:6800:4003:c00::5e 2405:200::1 2406:da00::1 2408:4000::1 240e::1 2600::1 2600:1f18::1 2600:9000:2000::1 2603:1030::1
  2606:4700:4700::1111 2606:4700:4700::1001 2607:f8b0:4004:800::200e 2610:20::1 2620:fe::fe 2620:0:862:ed1a::1 2620:4f:7fff::1
  2620:4f:8001::1 2800:3f0:4001::1 2804:14c::1 2a00:1450:4001:800::200e 2a01:4f8::1 2a03:2880:f10c:83:face:b00c:0:25de 2a04:4e42::81
  2a05:d018::1 2a06:98c1:50::1 2a09:: 2c0f:fb50::1 2003:ffff:ffff::1 3ffe::1 3fff:1000::1 2606:4700::5efd:7f00:1
  2606:4700:0:0:100:5efe:7f00:1 2001:4860:0:0:5efe::1 ::ffff:8.8.8.8 ::ffff:1.1.1.1 ::ffff:808:808
`);

export const publicAddresses: readonly string[] = [...publicV4, ...publicV6];

/** The address as the host of a URL: plain, and in odd spellings of the same public address. */
export const publicSpellings: readonly string[] = [
  ...publicAddresses.map((address) => (address.includes(':') ? `[${address}]` : address)),
  ...words(
    '134744072 0x08080808 010.8.8.8 8.8.2056 8.526344 ８.8.8.8 8。8。8。8 %38.8.8.8 8.8.8.8. 0x5d.184.216.34 1.1',
  ),
];
