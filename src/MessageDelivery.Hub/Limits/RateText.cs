namespace MessageDelivery.Hub.Limits;

/// <summary>What users are told who meet a limit: the value and the limit, the same in every protocol.</summary>
internal static class RateText
{
    public static string TooMuch(long bytes, int receivers, long rate) =>
        $"{bytes} bytes for {receivers} {(receivers == 1 ? "receiver" : "receivers")} would have to wait for more than {Pace.MaxWaitMilliseconds / 1_000} s; the limit is {rate} bytes a second (byte-rate)";

    public static string TooManyErrors(int most) => $"{most + 1L} errors within a minute; the limit is {most} (max-errors)";

    public static string NoProgress(string what, int least) =>
        $"fewer than {least} bytes came in {Progress.IntervalMilliseconds / 1_000} s of a {what} that is unfinished (least-progress)";

    public static string NotAuthenticated(TimeSpan limit) => $"nobody was authenticated within {limit.TotalSeconds:0.###} s";

    public static string EarlyBytes(string what, int limit) => $"more than {limit} bytes {what} before anybody was authenticated";

    public static string TooSlow(string what, TimeSpan limit) => $"{what} took longer than {limit.TotalSeconds:0.###} s";
}
