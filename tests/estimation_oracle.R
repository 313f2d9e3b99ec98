# Writes tests/estimation_r_survey.csv: what R's package survey computes of the samples beside it.
# Rscript tests/estimation_oracle.R            (Debian: r-cran-survey, r-cran-mass)
# A line is one figure: file, options of `comunal estimate`, its domain and category, what R says.
suppressMessages(library(survey))
options(digits = 15, survey.lonely.psu = "fail")
here <- "tests"
lines <- c("file,options,key,estimate,se,low,high,deff")
put <- function(file, options, key, estimate, se, low = NA, high = NA, deff = NA) {
  n <- function(x) ifelse(is.na(x), "", formatC(x, digits = 12, format = "g"))
  lines <<- c(lines, paste0(file, ',"', options, '",', key, ",", n(estimate), ",", n(se), ",", n(low), ",", n(high), ",", n(deff)))
}
told <- function(file, options, key, m, d) {
  force(m) # d may be named where m is made
  ci <- if (degf(d) > 0) confint(m, df = degf(d)) else matrix(NA, length(coef(m)), 2)
  e <- tryCatch(as.numeric(deff(m)), error = function(e) NA); if (is.matrix(e)) e <- diag(e)
  if (length(e) != length(coef(m))) e <- rep(NA, length(coef(m)))
  for (i in seq_along(coef(m))) put(file, options, key[i], coef(m)[i], SE(m)[i], ci[i, 1], ci[i, 2], e[i])
}
# The rows that have a value. A calibrated design keeps the others with a weight of zero, which times NA is NA.
known <- function(d, name) {
  gone <- is.na(d$variables[[name]])
  k <- d[!gone, ]
  v <- k$variables[[name]]
  if (anyNA(v)) k$variables[[name]][is.na(v)] <- if (is.numeric(v)) 0 else "rural"
  k
}
figures <- function(file, o, d) {
  told(file, paste(o, "--mean income"), "", svymean(~income, k <- known(d, "income"), deff = TRUE), k)
  told(file, paste(o, "--total income"), "", svytotal(~income, k, deff = TRUE), k)
  told(file, paste(o, "--mean income --deff replace"), "", svymean(~income, k, deff = "replace"), k)
  r <- svyratio(~income, ~age, k, deff = TRUE); ci <- confint(r, df = degf(k))
  put(file, paste(o, "--ratio income/age"), "", coef(r), SE(r), ci[1], ci[2], deff(r))
  told(file, paste(o, "--mean employed --interval t"), "", svymean(~employed, d, deff = TRUE), d)
  for (s in 1:2) told(file, paste(o, "--mean income --by sex"), s, svymean(~income, ks <- subset(k, sex == s), deff = TRUE), ks)
  for (s in 1:2) for (a in c("urban", "rural"))
    told(file, paste(o, "--total income --by 'sex,area'"), paste0(s, "|", a),
         svytotal(~income, ks <- subset(k, sex == s & area %in% a), deff = TRUE), ks)
  told(file, paste(o, "--mean income --where '${age} >= 40'"), "", svymean(~income, ks <- subset(k, age >= 40), deff = TRUE), ks)
  told(file, paste(o, "--share area --interval t"), c("rural", "urban"), svymean(~factor(area), ks <- known(d, "area"), deff = TRUE), ks)
  for (p in c(.25, .5, .9)) { q <- svyquantile(~income, k, p)$income
    put(file, paste0(o, " --quantile income:", p), "", q[1], q[4], q[2], q[3]) }
  for (m in c("logit", "mean", "beta", "asin")) { q <- svyciprop(~I(employed == 1), d, method = m)
    put(file, paste(o, "--share employed --interval", ifelse(m == "mean", "t", m)), "1", coef(q), SE(q), attr(q, "ci")[1], attr(q, "ci")[2]) }
  x <- svychisq(~sex + employed, d)
  if (x$statistic < 1e6) # post-stratified by both, the table has no variance
  put(file, paste(o, "--test 'sex*employed'"), "", x$statistic, x$p.value, x$parameter[1], x$parameter[2])
}
s <- read.csv(file.path(here, "estimation_sample.csv"))
file <- "estimation_sample.csv"
one <- list(id = ~psu, strata = ~stratum, weights = ~w, data = s, nest = TRUE)
base <- "--weights w --strata stratum --clusters psu"
for (rule in list(c("remove", "skip"), c("adjust", "center"))) {
  options(survey.lonely.psu = rule[1])
  figures(file, paste(base, "--singleton", rule[2]), do.call(svydesign, one))
}
options(survey.lonely.psu = "adjust")
figures(file, paste(base, "--singleton center --fpc n_psu"), do.call(svydesign, c(one, fpc = ~n_psu)))
two <- svydesign(id = ~psu + ssu, strata = ~stratum, weights = ~w, fpc = ~n_psu + n_ssu, data = s, nest = TRUE)
two_o <- paste("--weights w --strata stratum --clusters 'psu,ssu' --fpc 'n_psu,n_ssu' --singleton center")
figures(file, two_o, two)
figures(file, "--weights w", svydesign(id = ~1, weights = ~w, data = s))
# Calibrated weights. The totals stand in the test.
t_sex <- data.frame(sex = 1:2, Freq = c(420, 450))
t_stratum <- data.frame(stratum = c("A", "B", "C", "D", "E"), Freq = c(210, 120, 430, 50, 60))
t_cross <- data.frame(sex = rep(1:2, each = 2), employed = rep(0:1, 2), Freq = c(180, 240, 210, 240))
figures(file, paste(two_o, "--poststratify SEX"), postStratify(two, ~sex, t_sex))
figures(file, paste(two_o, "--poststratify CROSS"), postStratify(two, ~sex + employed, t_cross))
raked <- rake(two, list(~sex, ~stratum), list(t_sex, t_stratum), control = list(maxit = 100))
figures(file, paste(two_o, "--rake RAKE"), raked)
greg <- c(`(Intercept)` = 870, `factor(sex)2` = 450, age = 41000)
figures(file, paste(two_o, "--calibrate GREG"), calibrate(two, ~factor(sex) + age, greg))
figures(file, paste(two_o, "--calibrate GREG --distance raking"), calibrate(two, ~factor(sex) + age, greg, calfun = "raking"))
figures(file, paste(two_o, "--calibrate GREG --distance logit --bounds '0.6,2.5'"),
        calibrate(two, ~factor(sex) + age, greg, calfun = "logit", bounds = c(0.6, 2.5)))
figures(file, paste(two_o, "--calibrate GREG --bounds '0.7,2.2'"),
        calibrate(two, ~factor(sex) + age, greg, calfun = "linear", bounds = c(0.7, 2.2)))
# Replication.
reps <- function(file, o, d, whole = TRUE) {
  m <- svymean(~income, k <- known(d, "income"))
  if (whole) {
    told(file, paste(o, "--mean income"), "", m, d)
    told(file, paste(o, "--total income"), "", svytotal(~income, k), d)
  } else put(file, paste(o, "--mean income"), "", coef(m), SE(m))
  for (s in 1:2) { m <- svymean(~income, ks <- subset(k, sex == s)); put(file, paste(o, "--mean income --by sex"), s, coef(m), SE(m)) }
  r <- svyratio(~income, ~age, k); put(file, paste(o, "--ratio income/age"), "", coef(r), SE(r))
}
# (R 4.1 makes no replicates under "remove".)
options(survey.lonely.psu = "adjust")
reps(file, paste(base, "--singleton center --method jackknife"), as.svrepdesign(do.call(svydesign, one), type = "JKn"), FALSE)
reps(file, paste(base, "--singleton center --method jackknife --fpc n_psu"), as.svrepdesign(do.call(svydesign, c(one, fpc = ~n_psu)), type = "JKn"), FALSE)
jk1 <- as.svrepdesign(svydesign(id = ~unit, weights = ~w, data = s), type = "JK1")
reps(file, "--weights w --clusters unit --method jackknife", jk1)
reps(file, "--weights w --clusters unit --method jackknife --poststratify SEX", postStratify(jk1, ~sex, t_sex))
t_employed <- data.frame(employed = 0:1, Freq = c(390, 480))
reps(file, "--weights w --clusters unit --method jackknife --rake EMPLOYED",
     rake(jk1, list(~sex, ~employed), list(t_sex, t_employed), control = list(maxit = 100)))
reps(file, "--weights w --clusters unit --method jackknife --calibrate GREG", calibrate(jk1, ~factor(sex) + age, greg))
# The manual's own examples.
data(api); data(scd); data(fpc); data(mu284)
schools <- function(file, o, d) {
  told(file, paste(o, "--mean api00"), "", svymean(~api00, d, deff = TRUE), d)
  told(file, paste(o, "--total enroll"), "", svytotal(~enroll, k <- known(d, "enroll"), deff = TRUE), k)
  for (t in c("E", "H", "M")) told(file, paste(o, "--mean api00 --by stype"), t, svymean(~api00, k <- subset(d, stype == t), deff = TRUE), k)
  told(file, paste(o, "--share stype --interval t"), c("E", "H", "M"), svymean(~stype, d, deff = TRUE), d)
  for (p in c(.25, .5, .75)) { q <- svyquantile(~api00, d, p)$api00; put(file, paste0(o, " --quantile api00:", p), "", q[1], q[4], q[2], q[3]) }
  q <- svyciprop(~I(sch.wide == "Yes"), d, method = "logit")
  put(file, paste(o, "--share sch.wide=Yes"), "Yes", coef(q), SE(q), attr(q, "ci")[1], attr(q, "ci")[2])
  x <- svychisq(~sch.wide + stype, d)
  put(file, paste(o, "--test 'sch.wide*stype'"), "", x$statistic, x$p.value, x$parameter[1], x$parameter[2])
}
dstrat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
schools("apistrat.csv", "--weights pw --strata stype --fpc fpc", dstrat)
dclus1 <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
schools("apiclus1.csv", "--weights pw --clusters dnum --fpc fpc", dclus1)
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
schools("apiclus1.csv", "--weights pw --clusters dnum --fpc fpc --poststratify TYPES", postStratify(dclus1, ~stype, types))
schools("apiclus1.csv", "--weights pw --clusters dnum --fpc fpc --rake WIDE", rake(dclus1, list(~stype, ~sch.wide), list(types, wide)))
schools("apiclus1.csv", "--weights pw --clusters dnum --fpc fpc --calibrate API99",
        calibrate(dclus1, ~stype + api99, c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)))
told("apiclus1.csv", "--weights pw --clusters dnum --fpc fpc --method jackknife --mean api00", "", svymean(~api00, r <- as.svrepdesign(dclus1)), r)
rr <- rake(r, list(~stype, ~sch.wide), list(types, wide))
told("apiclus1.csv", "--weights pw --clusters dnum --fpc fpc --method jackknife --rake WIDE --total enroll", "", svytotal(~enroll, rr), rr)
schools("estimation_apiclus2.csv", "--clusters 'dnum,snum' --fpc 'fpc1,fpc2'", svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2))
schools("estimation_apiclus2.csv", "--clusters dnum --weights pw", svydesign(id = ~dnum, weights = ~pw, data = apiclus2))
schools("estimation_apisrs.csv", "--fpc fpc", svydesign(id = ~1, fpc = ~fpc, data = apisrs))
m <- svydesign(id = ~id1 + id2, fpc = ~n1 + n2, data = mu284)
told("estimation_mu284.csv", "--clusters 'id1,id2' --fpc 'n1,n2' --total y1", "", svytotal(~y1, m), m)
told("estimation_mu284.csv", "--clusters 'id1,id2' --fpc 'n1,n2' --mean y1", "", svymean(~y1, m), m)
f0 <- svydesign(weights = ~weight, ids = ~psuid, strata = ~stratid, data = fpc, nest = TRUE)
f1 <- svydesign(weights = ~weight, ids = ~psuid, strata = ~stratid, data = fpc, nest = TRUE, fpc = ~Nh)
for (k in 1:2) { d <- list(f0, f1)[[k]]; o <- paste("--weights weight --clusters psuid --strata stratid", c("", "--fpc Nh ")[k])
  told("estimation_fpc.csv", paste0(o, "--mean x"), "", svymean(~x, d), d); told("estimation_fpc.csv", paste0(o, "--total x"), "", svytotal(~x, d), d) }
scd$w <- 1; scd <- cbind(scd, 2 * cbind(r1 = c(1, 0, 1, 0, 1, 0), r2 = c(1, 0, 0, 1, 0, 1), r3 = c(0, 1, 1, 0, 0, 1), r4 = c(0, 1, 0, 1, 1, 0)))
b <- suppressWarnings(svrepdesign(data = scd, type = "BRR", repweights = scd[, c("r1", "r2", "r3", "r4")], weights = ~w, combined.weights = FALSE))
r <- svyratio(~alive, ~arrests, b); ci <- confint(r, df = degf(b))
put("estimation_scd.csv", "--weights w --replicates ^r[1-4]$ --rep-factors --ratio alive/arrests", "", coef(r), SE(r), ci[1], ci[2])
told("estimation_scd.csv", "--weights w --replicates ^r[1-4]$ --rep-factors --total alive", "", svytotal(~alive, b), b)
d <- svydesign(id = ~ambulance, strata = ~ESA, data = scd, weights = ~w, nest = TRUE)
r <- svyratio(~alive, ~arrests, d); ci <- confint(r, df = degf(d))
put("estimation_scd.csv", "--weights w --strata ESA --clusters ambulance --ratio alive/arrests", "", coef(r), SE(r), ci[1], ci[2])
b <- as.svrepdesign(d, type = "BRR")
o <- "--weights w --strata ESA --clusters ambulance --method brr"
r <- svyratio(~alive, ~arrests, b); put("estimation_scd.csv", paste(o, "--ratio alive/arrests"), "", coef(r), SE(r))
m <- svytotal(~alive, b); put("estimation_scd.csv", paste(o, "--total alive"), "", coef(m), SE(m))
data(election)
e <- svydesign(id = ~1, fpc = ~p, data = election_pps, pps = "brewer")
told("estimation_election.csv", "--fpc p --total Bush", "", svytotal(~Bush, e), e); told("estimation_election.csv", "--fpc p --total Kerry", "", svytotal(~Kerry, e), e)
# More of the manual's surveys: NHANES (a third of its rows), hospitals, and schools by groups under every calibration.
data(nhanes); data(hospital)
third <- nhanes[seq(1, nrow(nhanes), 3), ]; third$age <- as.integer(third$agecat); third$agecat <- NULL
third$WTMEC2YR <- round(third$WTMEC2YR, 2)
o <- "--clusters SDMVPSU --strata SDMVSTRA --weights WTMEC2YR"
d <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = third); k <- d[!is.na(third$HI_CHOL), ]
file <- "estimation_nhanes.csv"
for (r in 1:4) told(file, paste(o, "--mean HI_CHOL --by race"), r, svymean(~HI_CHOL, ks <- subset(k, race == r), deff = TRUE), ks)
for (g in 1:2) for (r in 1:4)
  told(file, paste(o, "--total HI_CHOL --by 'RIAGENDR,race'"), paste0(g, "|", r), svytotal(~HI_CHOL, ks <- subset(k, race == r & RIAGENDR == g), deff = TRUE), ks)
told(file, paste(o, "--share race --interval t --where 'age = 3 and RIAGENDR = 2'"), 1:4, svymean(~factor(race), ks <- subset(d, age == 3 & RIAGENDR == 2), deff = TRUE), ks)
for (m in c("logit", "beta", "asin")) { q <- svyciprop(~I(HI_CHOL == 1), k, method = m)
  put(file, paste(o, "--share HI_CHOL --interval", m), "1", coef(q), SE(q), attr(q, "ci")[1], attr(q, "ci")[2]) }
for (t in c("HI_CHOL*race", "age*race")) { x <- if (t == "age*race") svychisq(~age + race, d) else svychisq(~HI_CHOL + race, k)
  put(file, paste0(o, " --test '", t, "'"), "", x$statistic, x$p.value, x$parameter[1], x$parameter[2]) }
x <- svychisq(~HI_CHOL + race, subset(k, RIAGENDR == 2))
put(file, paste(o, "--test 'HI_CHOL*race' --where 'RIAGENDR = 2'"), "", x$statistic, x$p.value, x$parameter[1], x$parameter[2])
for (r in 1:4) told(file, paste(o, "--count --by race"), r, svytotal(~one, ks <- subset(update(d, one = 1), race == r)), ks)
j <- as.svrepdesign(d, type = "JKn")
for (r in 1:4) { m <- svymean(~HI_CHOL, subset(j, race == r), na.rm = TRUE); put(file, paste(o, "--method jackknife --mean HI_CHOL --by race"), r, coef(m), SE(m)) }
d <- svydesign(strata = ~oblevel, id = ~hospno, weights = ~weighta, fpc = ~tothosp, data = hospital)
told("estimation_hospital.csv", "--strata oblevel --clusters hospno --weights weighta --fpc tothosp --total births", "", svytotal(~births, d, deff = TRUE), d)
d <- svydesign(strata = ~oblevel, id = ~1, fpc = ~tothosp, data = hospital)
told("estimation_hospital.csv", "--strata oblevel --fpc tothosp --mean births", "", svymean(~births, d, deff = TRUE), d)
halves <- c(`(Intercept)` = 6194, sch.wideYes = 5122)
full <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018)
ways <- list("", "--poststratify TYPES ", "--rake WIDE ", "--poststratify TYPES --calibrate HALVES ", "--calibrate HALVES --distance raking ")
made <- list(identity, function(d) postStratify(d, ~stype, types), function(d) rake(d, list(~stype, ~sch.wide), list(types, wide)),
  function(d) calibrate(postStratify(d, ~stype, types), ~sch.wide, halves), function(d) calibrate(d, ~sch.wide, halves, calfun = "raking"))
groups <- function(file, o, d) {
  for (t in c("E", "H", "M")) { k <- subset(d, stype == t); r <- svyratio(~api00, ~api99, k, deff = TRUE); ci <- confint(r, df = degf(k))
    put(file, paste0(o, "--ratio api00/api99 --by stype"), t, coef(r), SE(r), ci[1], ci[2], deff(r)) }
  for (s in c("No", "Yes")) { k <- subset(d, awards == s); m <- svymean(~factor(stype), k); ci <- confint(m, df = degf(k))
    for (i in 1:3) put(file, paste0(o, "--share stype --by awards --interval t"), paste0(s, "|", c("E", "H", "M")[i]), coef(m)[i], SE(m)[i], ci[i, 1], ci[i, 2]) }
  told(file, paste0(o, "--mean api00 --where 'api99 > 600 and stype != `H`'"), "", svymean(~api00, k <- subset(d, api99 > 600 & stype != "H"), deff = TRUE), k)
  x <- svychisq(~comp.imp + stype, d)
  put(file, paste0(o, "--test 'comp.imp*stype'"), "", x$statistic, x$p.value, x$parameter[1], x$parameter[2])
}
d2 <- svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2)
d3 <- svydesign(id = ~1, weights = ~pw, data = apisrs)
for (w in seq_along(ways)) {
  groups("estimation_apiclus2.csv", paste("--clusters 'dnum,snum' --fpc 'fpc1,fpc2'", ways[[w]]), made[[w]](d2))
  groups("estimation_apisrs.csv", paste("--weights pw", ways[[w]]), made[[w]](d3))
  groups("apistrat.csv", paste("--weights pw --strata stype --fpc fpc", ways[[w]]), made[[w]](dstrat))
}
writeLines(gsub("`", "\"\"", lines), file.path(here, "estimation_r_survey.csv"))
w <- function(x, n) write.csv(x, file.path(here, n), row.names = FALSE, quote = FALSE)
kept <- c("stype", "sch.wide", "comp.imp", "awards", "api00", "api99", "enroll", "pw")
w(apiclus2[, c("dnum", "snum", kept, "fpc1", "fpc2")], "estimation_apiclus2.csv")
w(apisrs[, c(kept, "fpc")], "estimation_apisrs.csv")
w(third, "estimation_nhanes.csv"); w(hospital[, c("hospno", "oblevel", "weighta", "tothosp", "births")], "estimation_hospital.csv")
w(mu284, "estimation_mu284.csv"); w(fpc, "estimation_fpc.csv"); w(scd, "estimation_scd.csv")
w(transform(election_pps, County = NULL), "estimation_election.csv")
