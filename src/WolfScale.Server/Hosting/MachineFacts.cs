using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WolfScale.Server.Hosting;

/// <summary>What a node tells of its machine and its files.</summary>
internal static class MachineFacts
{
    /// <returns>Null where it cannot be seen.</returns>
    public static DiskReport? Disk(string folder)
    {
        try
        {
            var drive = new DriveInfo(folder);
            return new DiskReport(drive.AvailableFreeSpace, drive.TotalSize);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Read from the files, as they are when the node starts or reloads.</summary>
    public static ImmutableArray<CertificateReport> Certificates(NodeConfiguration configuration)
    {
        var found = ImmutableArray.CreateBuilder<CertificateReport>();
        foreach (var (use, file, used) in new[]
        {
            ("cluster", configuration.Cluster.TlsCert, true), ("api", configuration.Api.TlsCert, configuration.Api.Enabled), ("proxy", configuration.Proxy.TlsCert, configuration.Proxy.Enabled && configuration.Database.Enabled),
        })
        {
            if (used && file.Length > 0 && NotAfter(file) is { } end)
                found.Add(new CertificateReport(use, end));
        }

        return found.ToImmutable();
    }

    private static DateTimeOffset? NotAfter(string file)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
            return new DateTimeOffset(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null; // whoever serves it says so
        }
    }
}
