
namespace WolfScale.Server.Hosting;

/// <summary>
/// The members that <c>wolfscale join</c> was told, one a line in <c>DATA_DIR/state/joined</c>: so that a later plain <c>start</c>, by the service for
/// example, still finds the cluster if the first attempt never reached it.
/// </summary>
internal static class RememberedPeers
{
    public static IReadOnlyList<string> Read(NodeConfiguration configuration) =>
        File.Exists(PathOf(configuration)) ? [.. File.ReadLines(PathOf(configuration)).Where(line => HostPort.TryParse(line, out _, out _))] : [];

    public static void Add(NodeConfiguration configuration, string address)
    {
        var known = Read(configuration);
        if (known.Contains(address))
            return;
        _ = Directory.CreateDirectory(Path.GetDirectoryName(PathOf(configuration))!);
        PrivateFile.Write(PathOf(configuration), string.Concat(known.Append(address).Select(line => line + "\n")));
    }

    private static string PathOf(NodeConfiguration configuration) => Path.Combine(configuration.DataDirectory, "state", "joined");
}
