/**
 * `@std/testing/bdd` for places where the JSR registry cannot be reached: the
 * same names from `node:test`, which both runtimes have.
 *
 * @module
 */
export {
  after as afterAll,
  afterEach,
  before as beforeAll,
  beforeEach,
  describe,
  it,
  test,
} from "node:test";
