using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WolfScale.Settings;

namespace WolfScale.Unit.Server;

/// <summary>An authority, two certificates with one key (<c>one.crt</c>, <c>other.crt</c>), and copies of files under another name; and configurations in which one key is changed.</summary>
internal sealed class ReloadFiles : IDisposable
{
    private readonly TempFolder _folder = new("reload");

    /// <summary>Values for keys that accept none that is made by rule; empty: none at all.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["node.id"] = "\"node-2\"", ["node.bind_address"] = "\"127.0.0.1:1998\"", ["node.advertise_address"] = "\"127.0.0.1:1997\"", ["node.data_dir"] = "\"/elsewhere\"",
        ["database.host"] = "\"127.0.0.2\"", ["database.feed_bind_address"] = "\"127.0.0.1:1996\"", ["database.enabled"] = "false", ["cluster.mode"] = "\"available\"", ["cluster.secret"] = "\"another secret, long enough\"",
        ["cluster.cluster_name"] = "\"another\"", ["cluster.auto_discovery"] = "true", ["replication.mode"] = "", ["api.bind_address"] = "\"127.0.0.1:1995\"", ["proxy.bind_address"] = "\"127.0.0.1:1994\"", ["cluster.election_timeout_ms"] = "2000",
        ["cluster.election_timeout_min_ms"] = "1600", ["cluster.election_timeout_max_ms"] = "3100", ["cluster.heartbeat_interval_ms"] = "600", ["proxy.pool_connections"] = "9",
    };

    public ReloadFiles()
    {
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using (var authority = Authority("authority", now))
        {
            foreach (var name in (string[])["one", "other"])
            {
                using var certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256).Create(authority, now.AddDays(-1), now.AddDays(30), RandomNumberGenerator.GetBytes(8));
                File.WriteAllText(Pem($"{name}.crt"), certificate.ExportCertificatePem());
            }

            foreach (var name in (string[])["ca.crt", "same-ca.crt"])
                File.WriteAllText(Pem(name), authority.ExportCertificatePem());
        }

        using (var stranger = Authority("a stranger", now))
            File.WriteAllText(Pem("strange-ca.crt"), stranger.ExportCertificatePem());
        foreach (var name in (string[])["one.key", "same.key"])
            File.WriteAllText(Pem(name), key.ExportPkcs8PrivateKeyPem());
    }

    public string Folder => _folder.Path;

    public string Pem(string name) => Path.Combine(_folder.Path, name);

    public void Dispose() => _folder.Dispose();

    /// <summary>Another value than the key has by default; empty where there is none that could be given alone.</summary>
    public static string Other(SectionSchema section, KeySchema key)
    {
        if (Others.TryGetValue($"{section.Name}.{key.Name}", out var given))
            return given;
        var standard = key.Default(section);
        return key.Type == typeof(bool) ? (standard is true ? "false" : "true")
            : key.Type == typeof(int) || key.Type == typeof(long) ? Convert.ToString((Convert.ToInt64(standard ?? 3000, CultureInfo.InvariantCulture) + 1), CultureInfo.InvariantCulture)!
            : key.Type.IsEnum ? $"\"{key.Choices.Last()}\"" : "\"another\"";
    }

    /// <summary>The text with one key set, in the section that is there or in one of its own.</summary>
    public static string With(string text, string section, string key, string value)
    {
        var lines = text.Split('\n').ToList();
        var at = lines.FindIndex(l => l.Trim() == $"[{section}]");
        if (at < 0)
            return $"{text}\n[{section}]\n{key} = {value}\n";
        var end = lines.FindIndex(at + 1, l => l.StartsWith('['));
        var there = lines.FindIndex(at + 1, (end < 0 ? lines.Count : end) - at - 1, l => l.StartsWith(key + " =", StringComparison.Ordinal));
        if (there >= 0)
            lines[there] = $"{key} = {value}";
        else
            lines.Insert(at + 1, $"{key} = {value}");
        return string.Join('\n', lines);
    }

    private static X509Certificate2 Authority(string name, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(60));
    }
}
