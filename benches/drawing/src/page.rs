//! What the pages of the studies look like.

/// Colours that are read by day and by night, and tables of figures
pub const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1f2328;--dim:#59636e;--line:#d1d9e0;--good:#0a7d4f;\
--bad:#cf222e;--paper:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#f0f6fc;--dim:#9198a1;--line:#3d444d;\
--good:#4ade9c;--bad:#ff7b72;--paper:#0d1117}}\
body{max-width:900px;margin:3rem auto;padding:0 1.2rem;background:var(--paper);color:var(--ink);\
font:16px/1.55 system-ui,-apple-system,'Segoe UI',sans-serif}\
h1{font-size:1.9rem;margin:0 0 .4rem}h2{margin:3.2rem 0 .3rem}\
p{color:var(--dim);max-width:70ch}code{font-size:.9em}\
table{border-collapse:collapse;width:100%;font-size:14px;margin:.8rem 0}\
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid var(--line);\
font-variant-numeric:tabular-nums}\
th{color:var(--dim);font-weight:500;vertical-align:bottom}\
th:first-child,td:first-child{text-align:left}\
tr.ours td{color:var(--good);font-weight:600}.bad{color:var(--bad)}.good{color:var(--good)}\
svg{width:100%;height:auto;margin-top:.6rem}";
