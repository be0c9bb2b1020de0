(* A map and a hash table in OCaml's own heap, which takes its chunks from malloc. *)
module Numbers = Map.Make (Int)

let rec build left map =
  if left = 0 then map
  else build (left - 1) (Numbers.add (Random.int 1_000_000) (String.make (1 + Random.int 60) 'x') map)

let () =
  let map = build 300_000 Numbers.empty in
  let table = Hashtbl.create 16 in
  for i = 1 to 300_000 do
    Hashtbl.replace table (Random.int 500_000) (Array.make 5 i)
  done;
  Printf.printf "%d %d\n" (Numbers.cardinal map) (Hashtbl.length table)
