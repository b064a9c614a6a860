//! Grafana's unit ids and what stands behind the number. Facts from `@grafana/data` 13.2.3 `valueFormats/categories`.

/// How a family of units is written.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    /// Thousands with SI prefixes; the number says which prefix the value comes in (-1: milli, 1: kilo).
    Si(&'static str, i32),
    /// 1024s with binary prefixes, likewise.
    Binary(&'static str, i32),
    /// No scaling, the unit behind a space.
    Fixed(&'static str),
    Currency(&'static str),
    CurrencyAfter(&'static str),
    /// K, M, B, T glued to the number, then the unit.
    Count(&'static str),
}

use Family::{Binary, Count, Currency, CurrencyAfter, Fixed, Si};

/// Sorted by id.
#[rustfmt::skip]
pub const TABLE: &[(&str, Family)] = &[
    ("Bps", Si("B/s", 0)), ("EHs", Si("H/s", 6)), ("GBs", Si("B/s", 3)), ("GHs", Si("H/s", 3)),
    ("Gbits", Si("b/s", 3)), ("GiBs", Binary("B/s", 3)), ("Gibits", Binary("b/s", 3)), ("Hs", Si("H/s", 0)),
    ("KBs", Si("B/s", 1)), ("KHs", Si("H/s", 1)), ("Kbits", Si("b/s", 1)), ("KiBs", Binary("B/s", 1)),
    ("Kibits", Binary("b/s", 1)), ("MBs", Si("B/s", 2)), ("MHs", Si("H/s", 2)), ("Mbits", Si("b/s", 2)),
    ("MiBs", Binary("B/s", 2)), ("Mibits", Binary("b/s", 2)), ("Mohm", Si("Ω", 2)), ("Nm3", Fixed("Nm³")),
    ("PBs", Si("B/s", 5)), ("PHs", Si("H/s", 5)), ("Pbits", Si("b/s", 5)), ("PiBs", Binary("B/s", 5)),
    ("Pibits", Binary("b/s", 5)), ("TBs", Si("B/s", 4)), ("THs", Si("H/s", 4)), ("Tbits", Si("b/s", 4)),
    ("TiBs", Binary("B/s", 4)), ("Tibits", Binary("b/s", 4)), ("Wm2", Si("W/m²", 0)), ("accFS2", Fixed("f/sec²")),
    ("accG", Fixed("g")), ("accMS2", Fixed("m/sec²")), ("acres", Fixed("ac")), ("amp", Si("A", 0)),
    ("amph", Si("Ah", 0)), ("arcmin", Fixed("arcmin")), ("arcsec", Fixed("arcsec")), ("areaF2", Fixed("ft²")),
    ("areaM2", Fixed("m²")), ("areaMI2", Fixed("mi²")), ("binBps", Binary("B/s", 0)), ("binbps", Binary("b/s", 0)),
    ("bits", Binary("b", 0)), ("bps", Si("b/s", 0)), ("bytes", Binary("B", 0)), ("candela", Si("cd", 0)),
    ("celsius", Fixed("°C")), ("congNm3", Fixed("g/Nm³")), ("congm3", Fixed("g/m³")), ("conmgNm3", Fixed("mg/Nm³")),
    ("conmgdL", Fixed("mg/dL")), ("conmgm3", Fixed("mg/m³")), ("conmmolL", Fixed("mmol/L")),
    ("conngNm3", Fixed("ng/Nm³")), ("conngm3", Fixed("ng/m³")), ("conppb", Fixed("ppb")),
    ("conμgNm3", Fixed("μg/Nm³")), ("conμgm3", Fixed("μg/m³")), ("cpm", Count("c/m")), ("cps", Count("c/s")),
    ("currencyBGN", Currency("BGN")), ("currencyBRL", Currency("R$")), ("currencyBTC", Currency("฿")),
    ("currencyCHF", Currency("CHF")), ("currencyCZK", Currency("czk")), ("currencyDKK", CurrencyAfter("kr")),
    ("currencyEUR", Currency("€")), ("currencyGBP", Currency("£")), ("currencyIDR", Currency("Rp")),
    ("currencyILS", Currency("₪")), ("currencyINR", Currency("₹")), ("currencyISK", CurrencyAfter("kr")),
    ("currencyJPY", Currency("¥")), ("currencyKRW", Currency("₩")), ("currencyMYR", Currency("RM")),
    ("currencyNOK", CurrencyAfter("kr")), ("currencyPHP", Currency("PHP")), ("currencyPLN", Currency("PLN")),
    ("currencyPYG", Currency("₲")), ("currencyRUB", Currency("₽")), ("currencySEK", CurrencyAfter("kr")),
    ("currencyTRY", CurrencyAfter("₺")), ("currencyUAH", Currency("₴")), ("currencyUSD", Currency("$")),
    ("currencyUYU", Currency("UYU")), ("currencyVND", CurrencyAfter("đ")), ("currencyXPF", Currency("XPF")),
    ("currencyZAR", Currency("R")), ("currencymBTC", Currency("mBTC")), ("currencyμBTC", Currency("μBTC")),
    ("dB", Fixed("dB")), ("dBm", Fixed("dbm")), ("decbits", Si("b", 0)), ("decbytes", Si("B", 0)),
    ("decgbytes", Si("B", 3)), ("deckbytes", Si("B", 1)), ("decmbytes", Si("B", 2)), ("decpbytes", Si("B", 5)),
    ("dectbytes", Si("B", 4)), ("degree", Fixed("°")), ("dm3", Fixed("dm³")), ("eflops", Si("FLOPS", 6)),
    ("epm", Count("evts/m")), ("eps", Count("evt/s")), ("ev", Si("eV", 0)), ("fahrenheit", Fixed("°F")),
    ("farad", Si("F", 0)), ("ffarad", Si("F", -5)), ("flops", Si("FLOPS", 0)), ("flowcfm", Fixed("cfm")),
    ("flowcfs", Fixed("cfs")), ("flowcms", Fixed("cms")), ("flowgpm", Fixed("gpm")), ("flowlpm", Fixed("L/min")),
    ("flowmlpm", Fixed("mL/min")), ("forceN", Si("N", 0)), ("forceNm", Si("Nm", 0)), ("forcekN", Si("N", 1)),
    ("forcekNm", Si("Nm", 1)), ("gallons", Fixed("gal")), ("gbytes", Binary("B", 3)), ("gflops", Si("FLOPS", 3)),
    ("grad", Fixed("grad")), ("gwatt", Si("W", 3)), ("hectares", Fixed("ha")), ("henry", Si("H", 0)),
    ("hertz", Si("Hz", 0)), ("humidity", Fixed("%H")), ("iops", Count("io/s")), ("joule", Si("J", 0)),
    ("kamp", Si("A", 1)), ("kamph", Si("Ah", 1)), ("kbytes", Binary("B", 1)), ("kelvin", Fixed("K")),
    ("kohm", Si("Ω", 1)), ("kvolt", Si("V", 1)), ("kvoltamp", Si("VA", 1)), ("kvoltampreact", Si("VAr", 1)),
    ("kwatt", Si("W", 1)), ("kwatth", Si("Wh", 1)), ("kwattm", Si("W-Min", 1)), ("lengthcm", Fixed("cm")),
    ("lengthft", Fixed("ft")), ("lengthin", Fixed("in")), ("lengthkm", Si("m", 1)), ("lengthm", Si("m", 0)),
    ("lengthmi", Fixed("mi")), ("lengthmm", Si("m", -1)), ("litre", Si("L", 0)), ("litreh", Fixed("L/h")),
    ("lumens", Si("Lm", 0)), ("lux", Fixed("lux")), ("m3", Fixed("m³")), ("mamp", Si("A", -1)),
    ("mamph", Si("Ah", -1)), ("massg", Si("g", 0)), ("masskg", Si("g", 1)), ("masslb", Fixed("lb")),
    ("massmg", Si("g", -1)), ("masst", Fixed("t")), ("mbytes", Binary("B", 2)), ("megwatt", Si("W", 2)),
    ("mflops", Si("FLOPS", 2)), ("mhenry", Si("H", -1)), ("mlitre", Si("L", -1)), ("mohm", Si("Ω", -1)),
    ("mpm", Count("msgs/m")), ("mps", Count("msg/s")), ("mvolt", Si("V", -1)), ("mwatt", Si("W", -1)),
    ("mwatth", Si("Wh", 2)), ("nfarad", Si("F", -3)), ("none", Fixed("")), ("ohm", Si("Ω", 0)),
    ("opm", Count("ops/m")), ("ops", Count("ops/s")), ("pbytes", Binary("B", 5)), ("pfarad", Si("F", -4)),
    ("pflops", Si("FLOPS", 5)), ("pixel", Fixed("px")), ("ppm", Fixed("ppm")), ("pps", Si("p/s", 0)),
    ("pressurebar", Si("bar", 0)), ("pressurehg", Fixed("\"Hg")), ("pressurehpa", Fixed("hPa")),
    ("pressurekbar", Si("bar", 1)), ("pressurekpa", Fixed("kPa")), ("pressurembar", Si("bar", -1)),
    ("pressurepa", Si("Pa", 0)), ("radbq", Si("Bq", 0)), ("radci", Si("Ci", 0)), ("radexpckg", Si("C/kg", 0)),
    ("radgy", Si("Gy", 0)), ("radian", Fixed("rad")), ("radmsv", Si("Sv", -1)), ("radmsvh", Si("Sv/h", -1)),
    ("radr", Si("R", 0)), ("radrad", Si("rad", 0)), ("radrem", Si("rem", 0)), ("radsv", Si("Sv", 0)),
    ("radsvh", Si("Sv/h", 0)), ("radusv", Si("Sv", -2)), ("radusvh", Si("Sv/h", -2)), ("recpm", Count("rec/m")),
    ("recps", Count("rec/s")), ("reqpm", Count("req/m")), ("reqps", Count("req/s")), ("rotdegs", Fixed("°/s")),
    ("rotghz", Si("Hz", 3)), ("rothz", Si("Hz", 0)), ("rotkhz", Si("Hz", 1)), ("rotmhz", Si("Hz", 2)),
    ("rotrads", Fixed("rad/s")), ("rotrpm", Fixed("rpm")), ("rowspm", Count("rows/m")), ("rowsps", Count("rows/s")),
    ("rpm", Count("rd/m")), ("rps", Count("rd/s")), ("sishort", Si("", 0)), ("tbytes", Binary("B", 4)),
    ("tflops", Si("FLOPS", 4)), ("velocitykmh", Fixed("km/h")), ("velocityknot", Fixed("kn")),
    ("velocitymph", Fixed("mph")), ("velocityms", Fixed("m/s")), ("volt", Si("V", 0)), ("voltamp", Si("VA", 0)),
    ("voltampreact", Si("VAr", 0)), ("watt", Si("W", 0)), ("watth", Si("Wh", 0)), ("watthperkg", Si("Wh/kg", 0)),
    ("wpm", Count("wr/m")), ("wps", Count("wr/s")), ("yflops", Si("FLOPS", 8)), ("zflops", Si("FLOPS", 7)),
    ("µfarad", Si("F", -2)), ("µhenry", Si("H", -2)),
];
