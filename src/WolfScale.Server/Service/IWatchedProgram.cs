namespace WolfScale.Server.Service;

/// <summary>What runs as a service.</summary>
internal interface IWatchedProgram
{
    /// <summary>One line for <c>systemctl status</c>.</summary>
    string Summary { get; }

    /// <summary>Completes when each of the program's own loops has come round once more: proof that none of them hangs. MariaDB, disk and network may hang all the same.</summary>
    Task PassAsync(CancellationToken cancellationToken);
}
