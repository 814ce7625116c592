(function () {
  var search = document.getElementById('search'), only = document.getElementById('only');
  if (!search) return;
  var rows = Array.prototype.slice.call(document.querySelectorAll('details.f'));
  function apply() {
    var q = search.value.trim().toLowerCase(), g = only.value;
    rows.forEach(function (r) {
      r.hidden = (q && r.dataset.name.toLowerCase().indexOf(q) < 0) || (g && r.dataset.grade !== g);
    });
  }
  search.addEventListener('input', apply);
  only.addEventListener('change', apply);
  var opened = [];
  window.addEventListener('beforeprint', function () {
    rows.forEach(function (r, i) { if (!r.open && i < 20) { r.open = true; opened.push(r); } });
  });
  window.addEventListener('afterprint', function () {
    opened.forEach(function (r) { r.open = false; });
    opened = [];
  });
})();
