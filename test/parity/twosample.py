"""Writes expected/twosample_{scipy,frouros}.json: what scipy 1.17.1 and numpy 2.4.6 say of small samples."""
import json, pathlib, warnings
import numpy as np
from scipy import stats
warnings.simplefilter("ignore")
EXPECTED = pathlib.Path(__file__).resolve().parent / "expected"
rng = np.random.default_rng(7)
cases = {
    "normal": (rng.normal(0, 1, 300), rng.normal(0.2, 1.1, 400)),
    "small": (rng.normal(0, 1, 12), rng.normal(1, 1, 9)),
    "tiny": (rng.normal(0, 1, 7), rng.normal(0.5, 1, 8)),
    "ties": (rng.integers(0, 9, 60).astype(float), rng.integers(1, 10, 45).astype(float)),
    "lognormal": (rng.lognormal(0, 1.5, 250), rng.lognormal(0.3, 1.2, 220)),
    "offset": (1e9 + rng.normal(0, 1, 100), 1e9 + rng.normal(0.5, 1, 120)),
}
def pair(r):
    return [float(r[0]), float(r[1])]
out = {"columns": {}, "tables": []}
for name, (cur, ref) in cases.items():
    ad = stats.anderson_ksamp([ref, cur], variant="midrank") if "variant" in stats.anderson_ksamp.__code__.co_varnames else stats.anderson_ksamp([ref, cur])
    # numpy's mean of values about 1e9 has errors of 1e-7; the difference does not.
    shift = 1e9 if name == "offset" else 0.0
    cvm = stats.cramervonmises_2samp(ref, cur)
    out["columns"][name] = {
        "cur": cur.tolist(), "ref": ref.tolist(),
        "want": {
            "ks": pair(stats.ks_2samp(ref, cur)),
            "wasserstein": [float(stats.wasserstein_distance(ref, cur)), None],
            "energy": [float(stats.energy_distance(ref, cur)), None],
            "cvm": [float(cvm.statistic), float(cvm.pvalue)],
            "anderson": [float(ad.statistic), float(ad.pvalue)],
            "epps_singleton": pair(stats.epps_singleton_2samp(ref, cur)),
            "t_test": pair(stats.ttest_ind(ref - shift, cur - shift, equal_var=False)),
            "t_test@student": pair(stats.ttest_ind(ref - shift, cur - shift)),
            "mannwhitney": pair(stats.mannwhitneyu(ref, cur)),
            "mannwhitney@evidently": pair(stats.mannwhitneyu(ref, cur, alternative="less")),
        },
        "sturges": np.histogram_bin_edges(np.concatenate([ref, cur]), "sturges").tolist(),
        "doane": np.histogram_bin_edges(ref, "doane").tolist(),
    }
for cur, ref in [([10, 20, 30], [6, 9, 17]), ([12, 5], [29, 2]), ([300, 20, 5, 9], [2800, 260, 31, 44]), ([9, 0, 4], [3, 7, 5])]:
    t = [cur, ref]
    want = {"chi2@contingency": pair(stats.chi2_contingency(t)), "g@contingency": pair(stats.chi2_contingency(t, lambda_="log-likelihood"))}
    scaled = np.array(ref) * sum(cur) / sum(ref)
    want["chi2@evidently"] = pair(stats.chisquare(cur, scaled))
    want["g@evidently"] = pair(stats.power_divergence(cur, scaled, lambda_="log-likelihood"))
    if len(cur) == 2:
        want["fisher"] = pair(stats.fisher_exact([[cur[1], cur[0]], [ref[1], ref[0]]]))
    out["tables"].append({"cur": cur, "ref": ref, "want": want})
json.dump(out, open(EXPECTED / "twosample_scipy.json", "w"))

# Frouros' fixtures: frouros/tests/conftest.py, and the shares of its JS.
def rows(mean, cov):
    np.random.seed(31)
    return np.random.multivariate_normal(mean=mean, cov=cov, size=100).ravel().tolist()
def normals(mean, sd):
    np.random.seed(31)
    return np.random.normal(mean, sd, 100)
ref, cur = normals(1, 1), normals(5, 2)
union = np.concatenate([ref, cur])
bins = np.linspace(union.min(), union.max(), 10)
def shares(x):
    return np.diff(stats.rv_histogram(np.histogram(x, bins="auto")).cdf(bins)).tolist()
json.dump({"x": rows(np.ones(2), 2 * np.eye(2)), "y": rows(np.zeros(2), 3 * np.eye(2) - 1),
           "js_p": shares(ref), "js_q": shares(cur)}, open(EXPECTED / "twosample_frouros.json", "w"))
