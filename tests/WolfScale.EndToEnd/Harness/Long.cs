namespace WolfScale.EndToEnd.Harness;

/// <summary>
/// Every test has a short form and a long one (load, size, ten runs of each fault). The long one runs with <c>WOLFSCALE_LONG=1</c>,
/// which <c>./run.sh test --long</c> sets.
/// </summary>
internal static class Long
{
    public static bool Form { get; } = Environment.GetEnvironmentVariable("WOLFSCALE_LONG") == "1";

    /// <summary>The value for the form that runs.</summary>
    public static T Or<T>(T longForm, T shortForm) => Form ? longForm : shortForm;
}
