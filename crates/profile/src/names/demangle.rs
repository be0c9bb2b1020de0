//! Names as the source has them.

use cpp_demangle::DemangleOptions;

/// Returns the name of a symbol: of C++ without parameters, of Rust without the hash; any other one as it is.
pub fn demangle(symbol: &str) -> String {
    // A version of the symbol, as in `malloc@@GLIBC_2.2.5`, is no part of the name.
    let symbol = symbol.split('@').next().filter(|name| !name.is_empty()).unwrap_or(symbol);
    // glibc's own calls of its functions go by other names.
    let symbol = symbol.strip_prefix("__GI_").unwrap_or(symbol);
    if let Ok(name) = rustc_demangle::try_demangle(symbol) {
        return format!("{name:#}");
    }
    let options = DemangleOptions::new().no_params().no_return_type();
    let name = cpp_demangle::Symbol::new(symbol).ok().and_then(|name| name.demangle_with_options(&options).ok());
    name.unwrap_or_else(|| symbol.to_owned())
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn each_language_has_its_names() {
        assert_eq!(demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"), "std::vector<int, std::allocator<int> >::push_back");
        assert_eq!(demangle("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core::fmt::Formatter::pad");
        assert_eq!(demangle("_RNvCskwGfYPst2Cb_3foo3bar"), "foo::bar");
        assert_eq!(demangle("_Znwm"), "operator new");
        assert_eq!(demangle("malloc@@GLIBC_2.2.5"), "malloc");
        assert_eq!(demangle("__GI___strdup"), "__strdup");
        assert_eq!(demangle("_Z"), "_Z");
        assert_eq!(demangle("main"), "main");
    }
}
