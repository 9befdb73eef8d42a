using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Fuzz.Targets;

namespace MessageDelivery.Fuzz.Tests;

/// <summary>What the fuzzer has found to be worth trying, and a little more, on every run.</summary>
public sealed class ReplayTests
{
    private const int Mutations = 500;

    public static TheoryData<string> Targets => new(FuzzTargets.All.Keys);

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus(string target) => Assert.True(Replay.Run(target, mutations: 0) > 0);

    [Theory]
    [MemberData(nameof(Targets))]
    public void What_is_made_of_the_corpus(string target) => Assert.True(Replay.Run(target, Mutations) > Mutations);

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_vector_as_it_is(string target) => Assert.All(SeedCorpus.For(target), seed => FuzzTargets.All[target](seed));
}
