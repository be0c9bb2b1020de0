# Strings, hashes of arrays, sorting, splitting and joining.
use strict;
use warnings;

my %words;
for my $round (1 .. 6) {
    for my $number (1 .. 50_000) {
        my $word = "word" . ($number * 7919 % 10_007);
        push @{ $words{$word} }, "$round:$number" . "x" x ($number % 50);
    }
    my @long = sort { $a cmp $b } map { join ",", @$_ } values %words;
    my $text = join "\n", @long;
    my $count = () = $text =~ /x{20,}/g;
    %words = () if $round % 2 == 0;
    print "$round $count ", scalar(split /,/, $text), "\n";
}
