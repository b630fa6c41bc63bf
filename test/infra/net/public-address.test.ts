import { describe, expect, it } from '@jest/globals';
import { isPublicAddress } from '../../../src/infra/net/public-address.js';

/** Addresses of every IPv4 range that strangers must not reach, mostly the first, middle and last one. */
const privateV4 = `
  0.0.0.0 0.0.0.1 0.1.2.3 0.255.255.255
  10.0.0.0 10.0.0.1 10.255.255.255
  100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
  127.0.0.0 127.0.0.1 127.0.0.53 127.1.1.1 127.255.255.255
  168.63.129.16
  169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255
  172.16.0.0 172.17.0.1 172.31.255.255
  192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255
  192.0.2.0 192.0.2.1 192.0.2.255
  192.31.196.1 192.52.193.1 192.175.48.1
  192.88.99.0 192.88.99.1 192.88.99.255
  192.168.0.0 192.168.0.1 192.168.1.1 192.168.255.255
  198.18.0.0 198.18.0.1 198.19.255.255
  198.51.100.0 198.51.100.1 198.51.100.255
  203.0.113.0 203.0.113.1 203.0.113.255
  224.0.0.0 224.0.0.1 239.255.255.250 239.255.255.255
  240.0.0.0 240.0.0.1 250.1.2.3 255.255.255.254 255.255.255.255
`;

const privateV6 = `
  :: ::1 ::2 0:0:0:0:0:0:0:1 0000:0000:0000:0000:0000:0000:0000:0001
  100:: 100::1 100::ffff:ffff:ffff:ffff 100:0:0:1::1
  fc00:: fc00::1 fd00::1 fd00:ec2::254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff FD00::1
  fe80:: fe80::1 febf::1 FE80::1 fec0::1 feff::1 fe00::1
  ff00:: ff01::1 ff02::1 ff02::fb ff05::2 ff0e::1 ffff::1
  2001:: 2001:0:0:1::1 2001:1::1 2001:2::1 2001:2:0:ffff::1 2001:3::1 2001:4:112::1 2001:10::1 2001:1f::1
  2001:20::1 2001:2f:ffff::1 2001:30::1 2001:1ff:ffff::1
  2001:db8:: 2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2620:4f:8000::1
  3fff:: 3fff::1 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
  4000::1 5f00:: 5f00::1 5f00:ffff::1 6000::1 8000::1 a000::1 c000::1 e000::1 f000::1 1::1 200::1 1fff::1
`;

/** Tunnels and translators, which would reach the embedded IPv4 address. */
const wrappers: Record<string, (ipv4: string) => string> = {
  'v4-mapped': (ip) => `::ffff:${ip}`,
  'v4-mapped, in hexadecimal': (ip) => `::ffff:${hex(ip)}`,
  'v4-mapped, in full': (ip) => `0:0:0:0:0:ffff:${hex(ip)}`,
  'v4-compatible': (ip) => `::${ip}`,
  'v4-compatible, in hexadecimal': (ip) => `::${hex(ip)}`,
  'v4-translated': (ip) => `::ffff:0:${ip}`,
  'NAT64, well-known': (ip) => `64:ff9b::${ip}`,
  'NAT64, in hexadecimal': (ip) => `64:ff9b::${hex(ip)}`,
  'NAT64, local use': (ip) => `64:ff9b:1::${ip}`,
  '6to4': (ip) => `2002:${hex(ip)}::1`,
  'Teredo server': (ip) => `2001:0:${hex(ip)}:8000:63bf:f5f5:f5f5`,
  'Teredo client': (ip) => `2001:0:808:808:8000:63bf:${hex(inverted(ip))}`,
  'ISATAP, link-local': (ip) => `fe80::5efe:${ip}`,
  'ISATAP, global': (ip) => `2606:4700::5efe:${hex(ip)}`,
  'ISATAP, u bit': (ip) => `2606:4700::200:5efe:${ip}`,
};
const targets = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1', '100.64.0.1', '0.0.0.0'];
const wrapped = Object.entries(wrappers).flatMap(([name, wrap]) =>
  targets.map((ip) => [name, wrap(ip)] as const),
);

/** Texts that resolvers, kernels and libraries interpret differently, or that are not addresses. */
const notUnderstood = [
  '',
  ' ',
  'localhost',
  'example.org',
  'null',
  '-1',
  '1',
  '2130706433',
  '0x7f000001',
  '017700000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
  '127.0.1',
  '8',
  '8.8',
  '8.8.8',
  '0x08080808',
  '134744072',
  '010.8.8.8',
  '08.8.8.8',
  '8.8.8.8.',
  '.8.8.8.8',
  '8.8.8.8.8',
  '8.8.8.256',
  '8.8.8.-8',
  '8.8.8.8/32',
  '8.8.8.8:80',
  ' 8.8.8.8',
  '8.8.8.8 ',
  '8.8.8.8\n',
  '8.8.8.8\0',
  '8.8.8.8%eth0',
  '８.8.8.8',
  '8。8。8。8',
  '+8.8.8.8',
  '[::1]',
  '[2606:4700::1111]',
  'fe80::1%eth0',
  '2606:4700::1111%eth0',
  '2606:4700::1111%0',
  '::1%lo',
  ':::',
  '1::2::3',
  '2606:4700:::1111',
  '2606:4700::11111',
  '2606:4700::g',
  '2606:4700::1111/128',
  ':1',
  '1:',
  '::ffff:8.8.8',
  '::ffff:8.8.8.256',
  '::ffff:08.8.8.8',
  '::ffff:0x8.8.8.8',
  '1:2:3:4:5:6:7',
  'undefined',
];

/** Well-known hosts, and the neighbours of every refused range. */
const publicV4 = `
  1.0.0.0 1.0.0.1 1.1.1.1 2.16.0.1 3.5.140.1 4.2.2.2 5.9.0.1 6.1.1.1 7.7.7.7 8.8.4.4 8.8.8.8 9.9.9.9
  9.255.255.255 11.0.0.0 12.0.0.1 13.32.0.1 13.107.42.14 15.197.130.1 17.253.144.10 18.64.0.1 20.33.0.1
  23.0.0.1 31.13.64.1 34.64.0.1 35.190.0.1 37.0.0.1 40.76.4.15 44.192.0.1 45.57.0.1 46.4.0.1 50.16.0.1
  51.15.0.1 52.95.110.1 52.216.0.1 54.231.0.1 57.144.0.1 62.0.0.1 63.32.0.1 64.233.160.1 66.220.144.1 69.171.250.1
  74.125.0.1 77.88.8.8 80.80.80.80 84.200.69.80 91.198.174.192 93.184.216.34 94.140.14.14 99.84.0.1
  100.0.0.1 100.63.255.255 100.128.0.0 101.6.6.6 103.86.96.100 104.16.0.1 108.156.0.1 111.13.0.1
  114.114.114.114 119.29.29.29 126.255.255.255 128.0.0.0 128.101.0.1 129.134.0.1 130.89.0.1 140.82.112.3
  142.250.0.1 149.154.160.1 151.101.1.1 157.240.1.1 160.79.104.1 162.159.0.1 163.70.128.1 168.63.129.15
  168.63.129.17 169.253.255.255 169.255.0.0 170.33.0.1 171.64.0.1 172.15.255.255 172.32.0.0 172.64.0.1
  172.217.0.1 173.194.0.1 177.71.128.1 179.60.192.1 180.76.76.76 184.24.0.1 185.60.216.1 186.192.81.5
  187.45.192.1 189.1.160.1 191.255.255.255 192.0.1.0 192.0.3.0 192.30.255.112 192.88.98.255 192.88.100.0
  192.167.255.255 192.169.0.0 193.0.0.1 195.12.50.1 198.17.255.255 198.20.0.0 198.41.0.4 198.51.99.255
  198.51.101.0 199.85.126.10 200.160.0.8 201.0.0.1 203.0.112.255 203.0.114.0 203.112.2.4 204.15.20.1
  205.251.192.1 208.67.222.222 209.85.128.1 210.2.4.8 212.27.48.10 213.186.33.99 216.58.192.1 217.160.0.1
  220.181.38.148 221.0.0.1 223.5.5.5 223.255.255.255
`;

const publicV6 = `
  2000::1 2001:200::1 2001:218::1 2001:500:88:200::8 2001:4860:4860::8888 2001:4860:4860::8844 2001:67c:2e8::1
  2001:db7:ffff::1 2001:db9::1 2003::1 2003:e0::1 2400:cb00:2048:1::1 2400:3200::1 2401:4900::1 2402:4e00::
  2403:300::1 2404:6800:4003:c00::5e 2405:200::1 2406:da00::1 2408:4000::1 240e::1 2600::1 2600:1f18::1
  2600:9000:2000::1 2602:fea7::1 2603:1030::1 2604:a880::1 2606:4700:4700::1111 2606:4700:4700::1001
  2606:4700::6810:84e5 2607:f8b0:4004:800::200e 2610:20::1 2620:fe::fe 2620:fe::9 2620:119:35::35 2620:0:862:ed1a::1
  2620:4f:7fff::1 2620:4f:8001::1 2800:3f0:4001::1 2801:80::1 2804:14c::1 2806:1000::1 2a00:1450:4001:800::200e
  2a01:4f8::1 2a02:6b8::feed:0ff 2a03:2880:f10c:83:face:b00c:0:25de 2a04:4e42::81 2a05:d018::1 2a06:98c1:50::1
  2a09:: 2a0d:5600::1 2c0f:fb50::1 2c0f:f248::1 2000:ffff::1 2003:ffff:ffff::1 3ffe::1 3fff:1000::1 3fff:ffff::1
  2606:4700::5efd:7f00:1 2606:4700:0:0:100:5efe:7f00:1 2606:4700:5efe:: 2001:4860:0:0:5efe::1 2A00:1450::1
  ::ffff:8.8.8.8 ::ffff:1.1.1.1 ::ffff:808:808 0:0:0:0:0:ffff:808:808 ::FFFF:93.184.216.34
`;

describe('an address that must not be dialled', () => {
  it.each(words(privateV4))('%s is not public', (ip) => {
    expect(isPublicAddress(ip)).toBe(false);
  });

  it.each(words(privateV6))('%s is not public', (ip) => {
    expect(isPublicAddress(ip)).toBe(false);
  });

  it.each(wrapped)('%s %s is not public', (_, ip) => {
    expect(isPublicAddress(ip)).toBe(false);
  });

  it.each(notUnderstood)('%j is not understood and so not public', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });

  it('is any tunnel, even one to a public address', () => {
    const tunnels = Object.entries(wrappers).filter(([name]) => !name.startsWith('v4-mapped'));
    expect(tunnels.map(([, wrap]) => isPublicAddress(wrap('8.8.8.8')))).toEqual(tunnels.map(() => false));
  });
});

describe('an address on the public internet', () => {
  it.each(words(publicV4))('%s is public', (ip) => {
    expect(isPublicAddress(ip)).toBe(true);
  });

  it.each(words(publicV6))('%s is public', (ip) => {
    expect(isPublicAddress(ip)).toBe(true);
  });
});

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function hex(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function inverted(ipv4: string): string {
  return ipv4
    .split('.')
    .map((octet) => 255 - Number(octet))
    .join('.');
}
