// The providers' names and colours, in the order in which the sandbox lists them.

const names = [];

export function setProviders(providers) {
  names.splice(0, names.length, ...providers.map((provider) => provider.name));
}

const SPELLED = { ippanel: "IPPanel" }; // the others are written with one capital

export const title = (name) => SPELLED[name] ?? name.charAt(0).toUpperCase() + name.slice(1);

export const hue = (name) => Math.max(0, names.indexOf(name)) % 6;
