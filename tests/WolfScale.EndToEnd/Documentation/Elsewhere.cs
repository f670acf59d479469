using WolfScale.EndToEnd.Installing;

namespace WolfScale.EndToEnd.Documentation;

/// <summary>
/// Blocks whose commands a test does in its own words, because they change a whole system or take a machine for themselves. Each stands here with its text: who changes the document is sent to that test.
/// </summary>
internal static class Elsewhere
{
    public static IReadOnlyDictionary<(string Document, string Name), (Type Test, string Text)> Blocks { get; } = new Dictionary<(string, string), (Type, string)>
    {
        [("three-servers.md", "package")] = (typeof(InstallationTests), """
            ./run.sh package                                       # prints artifacts/package/wolfscale_VERSION_amd64.deb
            for node in 10.0.10.10 10.0.10.11 10.0.10.12; do scp artifacts/package/wolfscale_*_amd64.deb root@$node:; done
            apt-get install mariadb-server ./wolfscale_*.deb       # on each machine

            """),
        [("installation.md", "script")] = (typeof(InstallationTests), """
            sudo ./install_service.sh node
            sudo ./install_service.sh node --yes --first --node-id node-1 --advertise 10.0.10.10:7654 --account --start
            sudo ./install_service.sh load-balancer --like /root/node-1.toml --listen 0.0.0.0:3306 --start
            sudo ./install_service.sh node --dry-run               # shows what it would do
            sudo ./install_service.sh --uninstall

            """),
        [("installation.md", "upgrade")] = (typeof(InstallationTests), """
            apt-get install ./wolfscale_NEW_amd64.deb      # stops the node, which hands over; exchanges the programs; starts it
            until wolfctl status; do sleep 2; done

            """),
        [("installation.md", "remove")] = (typeof(InstallationTests), """
            apt-get remove wolfscale       # or: ./install_service.sh --uninstall

            """),
    };
}
