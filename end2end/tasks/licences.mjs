// Licence expressions (SPDX): whether one of the ways that they offer is allowed.

function tokens(text) {
  // An old spelling of OR.
  return text.replace(/\//g, ' OR ').match(/\(|\)|[^\s()]+/g) ?? [];
}

/** `A AND (B OR C WITH D)`. Throws on what is no expression. */
export function isAllowed(expression, allowed) {
  const rest = tokens(expression);
  const term = () => {
    const word = rest.shift();
    if (word === '(') {
      const inner = either();
      if (rest.shift() !== ')') throw new Error(`a bracket of ${JSON.stringify(expression)} does not close`);
      return inner;
    }
    if (!word || ['AND', 'OR', 'WITH', ')'].includes(word)) throw new Error(`${JSON.stringify(expression)} is no licence expression`);
    let name = word;
    if (rest[0] === 'WITH') name += ` ${rest.shift()} ${rest.shift()}`;
    return allowed.has(name);
  };
  const both = () => {
    let holds = term();
    while (rest[0] === 'AND') {
      rest.shift();
      holds = term() && holds;
    }
    return holds;
  };
  const either = () => {
    let holds = both();
    while (rest[0] === 'OR') {
      rest.shift();
      holds = both() || holds;
    }
    return holds;
  };
  const holds = either();
  if (rest.length) throw new Error(`${JSON.stringify(expression)} is no licence expression`);
  return holds;
}
