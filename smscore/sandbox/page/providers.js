// The providers as people write and tell them apart: their titles and colours.

let providers = [];

/** Take over the providers, in the order in which the sandbox lists them. */
export function setProviders(listed) {
  providers = listed;
}

export const title = (name) => providers.find((provider) => provider.name === name)?.title ?? name;

const HUES = 6; // colours of style.css

export const hue = (name) => Math.max(0, providers.findIndex((provider) => provider.name === name)) % HUES;
