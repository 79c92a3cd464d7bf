// The only module that knows Firebase App Check; loaded only where the deployment's config holds a key for it.

import { getToken, initializeAppCheck, ReCaptchaEnterpriseProvider } from "firebase/app-check";

/**
 * Let Google attest that this is the page in a real browser.
 * @param {import("firebase/app").FirebaseApp} app
 * @param {string} key site key of reCAPTCHA Enterprise
 * @returns {() => Promise<string>} gives a token that is still valid
 */
export function attest(app, key) {
  const check = initializeAppCheck(app, { provider: new ReCaptchaEnterpriseProvider(key), isTokenAutoRefreshEnabled: true });
  return async () => (await getToken(check)).token;
}
