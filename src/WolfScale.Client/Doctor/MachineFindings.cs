using System.Globalization;
using static WolfScale.Client.DoctorSeverity;

namespace WolfScale.Client.Doctor;

/// <summary>What is wrong with the machines under a cluster: disks, clocks, certificates.</summary>
internal static class MachineFindings
{
    /// <summary>Of a log's disk, in percent.</summary>
    private const int LowPercent = 5;

    private const long LowBytes = 64L << 20;

    /// <summary>People who renew by hand need some days.</summary>
    private const int ExpiryDays = 14;

    /// <summary>Above it events of several nodes are told in the wrong order; no promise hangs on clocks.</summary>
    private const double ClockSeconds = 2;

    public static IEnumerable<DoctorFinding> Of(Examined examined, NodeReport node)
    {
        if (node.Disk is { } disk && (disk.FreeBytes < LowBytes || disk.FreeBytes < disk.TotalBytes / 100 * LowPercent))
        {
            yield return new(Warning, "disk_low", node.Id, string.Create(CultureInfo.InvariantCulture, $"The disk of {node.Id}'s log has {disk.FreeBytes >> 20} of {disk.TotalBytes >> 20} MiB left: where there are none, the node takes part no more."),
                "Make room on it, or let the log be shorter: wal.retention_hours, wal.max_size_gb (`wolfctl reload` takes them over).");
        }

        foreach (var certificate in node.Certificates)
        {
            var left = certificate.NotAfter - examined.Now;
            var what = certificate.Use switch { "cluster" => "nodes that connect anew refuse it", "api" => "clients of its API refuse it", _ => "clients of its proxy refuse it" };
            if (left < TimeSpan.FromDays(ExpiryDays))
            {
                yield return new(left < TimeSpan.Zero && certificate.Use == "cluster" ? Critical : Warning, "certificate_expires", node.Id,
                    string.Create(CultureInfo.InvariantCulture, $"The certificate of [{certificate.Use}] on {node.Id} {(left < TimeSpan.Zero ? "has ended" : "ends")} on {certificate.NotAfter:yyyy-MM-dd HH:mm} UTC: {what} {(left < TimeSpan.Zero ? "now" : "then")}."),
                    $"Put a new one where {certificate.Use}.tls_cert and tls_key point, and `wolfctl reload` on {node.Id}.");
            }
        }

        if (node.NeedRestart.Length > 0)
            yield return new(Remark, "restart_pending", node.Id, $"{node.Id} runs with other values than its file has: {string.Join(", ", node.NeedRestart)}.", "Restart the node when it suits (`systemctl restart wolfscale`).");
    }

    public static IEnumerable<DoctorFinding> OfClocks(Examined examined)
    {
        if (examined.Clocks.Count < 2)
            yield break;
        var (first, last) = (examined.Clocks.MinBy(c => c.Value.Ahead), examined.Clocks.MaxBy(c => c.Value.Ahead));
        var apart = last.Value.Ahead - first.Value.Ahead;
        if (apart > ClockSeconds + first.Value.Within + last.Value.Within)
        {
            yield return new(Warning, "clocks_differ", null, string.Create(CultureInfo.InvariantCulture, $"The clock of {last.Key} is {apart:0.0} s ahead of that of {first.Key}: NOW() jumps when the lead moves, and logs and events are told in the wrong order."),
                "Look after time synchronisation on both (`timedatectl`, chrony). No promise of the cluster hangs on clocks.");
        }
    }
}
