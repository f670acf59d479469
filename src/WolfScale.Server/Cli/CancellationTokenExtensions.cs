namespace WolfScale.Server.Cli;

internal static class CancellationTokenExtensions
{
    /// <summary>Completes when the token is cancelled.</summary>
    public static Task WhenCancelledAsync(this CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = cancellationToken.Register(cancelled.SetResult);
        return cancelled.Task;
    }
}
