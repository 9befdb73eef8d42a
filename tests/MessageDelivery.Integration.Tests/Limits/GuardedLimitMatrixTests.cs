namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>The same where the hub demands a token: before it is shown, and after.</summary>
public sealed class GuardedLimitMatrixTests
{
    public static TheoryData<string, string, string> Guarded => LimitMatrixTests.Cells(isGuarded: true);

    [Theory]
    [MemberData(nameof(Guarded))]
    public Task Who_meets_it_is_told_and_nobody_else_notices(string limit, string stage, string protocol) =>
        LimitMatrixTests.TryAsync(limit, stage, protocol);
}
