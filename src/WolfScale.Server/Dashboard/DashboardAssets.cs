using System.Collections.Frozen;
using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;

namespace WolfScale.Server.Dashboard;

/// <summary>The page's files, which are part of the program: it needs nothing from anywhere else.</summary>
internal static class DashboardAssets
{
    public const string Page = "index.html";

    private const string Prefix = "dashboard/";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".txt"] = "text/plain; charset=utf-8",
    }.ToFrozenDictionary();

    /// <summary>All of them, by name.</summary>
    public static FrozenDictionary<string, DashboardAsset> All { get; } = Load();

    private static FrozenDictionary<string, DashboardAsset> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Prefix.Length..], name => Make(name, assembly.GetManifestResourceStream(name)!));
    }

    private static DashboardAsset Make(string name, Stream stream)
    {
        using var content = new MemoryStream();
        using (stream)
            stream.CopyTo(content);
        var bytes = content.ToArray();
        return new DashboardAsset(Types[Path.GetExtension(name)], bytes, Compress(bytes), $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 12))}\"");
    }

    public static byte[] Compress(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            gzip.Write(bytes);
        return packed.ToArray();
    }
}

/// <summary>One file of the page.</summary>
/// <param name="Type">Its content type.</param>
/// <param name="Bytes">As it is.</param>
/// <param name="Compressed">By gzip.</param>
/// <param name="Tag">Changes with its content: browsers ask with it whether theirs is still good.</param>
internal sealed record DashboardAsset(string Type, byte[] Bytes, byte[] Compressed, string Tag);
