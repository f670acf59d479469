namespace WolfScale.Bench;

/// <summary>What one run of the comparison measures.</summary>
/// <param name="Seconds">Length of one measurement.</param>
/// <param name="Threads">Numbers of client threads, each measured for itself.</param>
/// <param name="Only">Keys of the set-ups that take part, out of a, b, c, d.</param>
/// <param name="Tables">Tables that the load is spread over.</param>
/// <param name="TableRows">Rows of each table before the load starts.</param>
/// <param name="Rounds">How often everything is repeated; the set-ups take turns, and the table shows medians.</param>
/// <param name="GaleraBinlog">Whether Galera's servers write a binary log as the others do.</param>
/// <param name="Directory">Folder for the servers' data; deleted at the end. On the disk that is to be measured.</param>
/// <param name="BasePort">First of the ports used; set-ups use base … base + 99.</param>
/// <param name="WolfScale">The <c>wolfscale</c> program.</param>
/// <param name="Keep">Leaves the folder where it is, for a look at the logs.</param>
/// <param name="Json">Prints the result as JSON instead of a table.</param>
/// <param name="DemoSettings">Further <c>section.key=value</c> overrides for the demo's nodes.</param>
internal sealed record BenchOptions(
    int Seconds,
    IReadOnlyList<int> Threads,
    IReadOnlyList<char> Only,
    IReadOnlyList<string> Workloads,
    int Tables,
    int TableRows,
    int Rounds,
    bool GaleraBinlog,
    string Directory,
    int BasePort,
    string WolfScale,
    bool Keep,
    bool Json,
    IReadOnlyList<string> DemoSettings);
