// Before the first paint: the theme and language of last time, so that nothing flashes. A classic script on purpose.
(function () {
  var root = document.documentElement;
  /** @param {string} key */
  function kept(key) {
    try { return localStorage.getItem(key); } catch (_) { return null; }
  }
  var theme = kept("dayuan.theme");
  var dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
  var lang = kept("dayuan.lang");
  root.lang = lang === "en" || lang === "zh-CN" ? lang : (navigator.language || "").toLowerCase().indexOf("zh") === 0 ? "zh-CN" : "en";
})();
